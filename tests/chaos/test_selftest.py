"""Every promise that the selftest checks holds; `pytest -m chaos` checks the same at the scale of a release."""

from collections.abc import AsyncIterator

import pytest

from chat_persistence.selftest import arena
from chat_persistence.selftest.all_checks import CHECKS
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.scale import FULL, TESTS, Scale


@pytest.fixture
async def ours(database_url: str) -> AsyncIterator[Arena]:
    async with arena.opened(database_url, owns_server=False) as opened:
        yield opened


HARMLESS = [check for check in CHECKS if not check.needs_own_server]


@pytest.mark.parametrize("scale", [TESTS, pytest.param(FULL, marks=pytest.mark.chaos)], ids=lambda scale: scale.name)
@pytest.mark.parametrize("check", HARMLESS, ids=lambda check: check.name)
async def test_every_figure_is_as_promised(ours: Arena, check: Check, scale: Scale) -> None:
    if (obstacle := check.obstacle()) is not None:
        pytest.skip(obstacle)

    figures = [figure async for figure in check.run(ours, scale)]

    print(*figures, sep="\n")
    assert [str(figure) for figure in figures if not figure.is_met] == []
    assert figures
