"""Two hundred megabytes in any argument: refused at once, without a copy, and before anything is sent."""

import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from chat_persistence import InvalidInput
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.methods import new_target
from chat_persistence.selftest.oversized import ASKS_FIRST, calls
from chat_persistence.selftest.scale import Scale

TRIES = 5
"""The best of them counts: the machine has other things to do."""

LIMIT_MILLISECONDS = 10.0
LIMIT_MEGABYTES = 1.0


@dataclass
class Refusals:
    """How many calls were refused, and what that cost where it cost most."""

    calls: int = 0
    refused: int = 0
    milliseconds: float = 0.0
    megabytes: float = 0.0

    async def add(self, call: Callable[[], Awaitable[Any]], *, is_timed: bool) -> None:
        """Make one call, a few times."""
        self.calls += 1
        seconds = [await _seconds_to_refuse(call) for _ in range(TRIES)]
        if None not in seconds:
            self.refused += 1
        if is_timed:
            self.milliseconds = max(self.milliseconds, 1000 * min(each or 0.0 for each in seconds))
        tracemalloc.start()
        await _seconds_to_refuse(call)
        self.megabytes = max(self.megabytes, tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()


async def _seconds_to_refuse(call: Callable[[], Awaitable[Any]]) -> float | None:
    started = time.perf_counter()
    try:
        await call()
    except InvalidInput:
        return time.perf_counter() - started
    return None


async def run(arena: Arena, _: Scale) -> AsyncIterator[Figure]:
    """Give every argument 200 MB."""
    refusals, turns = Refusals(), 0
    async with arena.relay() as (url, relay), arena.store(url) as store:
        target = await new_target(store, arena.new_user(), "x")
        for name, call in calls():
            before, is_timed = relay.turns, not name.startswith(ASKS_FIRST)
            await refusals.add(partial(call, store, target), is_timed=is_timed)
            turns += relay.turns - before if is_timed else 0
    yield everything("calls with 200 MB refused", refusals.refused, refusals.calls)
    yield Figure("slowest refusal", refusals.milliseconds, LIMIT_MILLISECONDS, "ms")
    yield Figure("memory of a refusal", refusals.megabytes, LIMIT_MEGABYTES, "MB")
    yield nothing("round trips before a refusal", turns, refusals.calls)


CHECK = Check("200 MB", run)
