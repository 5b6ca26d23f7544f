"""Every promise that the selftest checks holds; `pytest -m chaos` checks the same at the scale of a release."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from chat_persistence.selftest import arena
from chat_persistence.selftest.all_checks import CHECKS
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import CannotRun, Check
from chat_persistence.selftest.scale import FULL, TESTS, Scale
from chat_persistence.selftest.server import own_server

# One after another: each wants the machine for itself.
pytestmark = pytest.mark.xdist_group("chaos")


@pytest.fixture(params=CHECKS, ids=lambda check: check.name)
def check(request: pytest.FixtureRequest) -> Check:
    chosen: Check = request.param
    return chosen


@pytest.fixture
async def ours(check: Check, database_url: str) -> AsyncIterator[Arena]:
    """The server of all tests; one of its own for a check that kills it."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(own_server()) if check.needs_own_server else None
        yield await stack.enter_async_context(arena.opened(server.url if server else database_url, server))


@pytest.mark.parametrize("scale", [TESTS, pytest.param(FULL, marks=pytest.mark.chaos)], ids=lambda scale: scale.name)
async def test_every_figure_is_as_promised(ours: Arena, check: Check, scale: Scale) -> None:
    try:
        figures = [figure async for figure in check.run(ours, scale)]
    except CannotRun as reason:
        pytest.skip(str(reason))

    print(*figures, sep="\n")
    assert [str(figure) for figure in figures if not figure.is_met] == []
    assert figures
