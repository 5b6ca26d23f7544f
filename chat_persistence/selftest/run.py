"""The whole selftest, check by check."""

from collections.abc import AsyncIterator, Sequence

from chat_persistence.selftest import arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure
from chat_persistence.selftest.scale import Scale


async def run(
    url: str, checks: Sequence[Check], scale: Scale, *, owns_server: bool
) -> AsyncIterator[tuple[Check, Figure]]:
    """Yield the figures of all checks that may run here, in a schema of their own that is dropped at the end.

    Those with an obstacle are left out: whoever shows the figures says so.
    """
    async with arena.opened(url, owns_server=owns_server) as ours:
        for check in checks:
            if (owns_server or not check.needs_own_server) and check.obstacle() is None:
                async for figure in check.run(ours, scale):
                    yield check, figure
