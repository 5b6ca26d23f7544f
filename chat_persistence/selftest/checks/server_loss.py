"""The server goes away, in every way that servers do: what was acknowledged is there, once, and calls go on at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import CannotRun, Check
from chat_persistence.selftest.figures import Figure, everything
from chat_persistence.selftest.scale import Scale
from chat_persistence.selftest.server import FAST, IMMEDIATE, KILL, OwnServer
from chat_persistence.selftest.writers import Writers

RECOVERY_SECONDS = 1.0
STANDBY_SECONDS = 0.5
IDLE_CALLS = 20
WRITERS = "writers of the selftest"

Loss = Callable[[OwnServer], Awaitable[float]]
"""Loses the server, and returns since when it answers again."""


async def _restarted_fast(server: OwnServer) -> float:
    return await server.outage(partial(server.stop_and_start, FAST))


async def _restarted_at_once(server: OwnServer) -> float:
    return await server.outage(partial(server.stop_and_start, IMMEDIATE))


async def _postmaster_killed(server: OwnServer) -> float:
    return await server.outage(partial(server.stop_and_start, KILL))


async def _backend_killed(server: OwnServer) -> float:
    return await server.outage(partial(server.kill_backend, WRITERS))


async def _backends_terminated(server: OwnServer) -> float:
    return await server.outage(server.terminate_backends)


async def _failed_over(server: OwnServer) -> float:
    await server.outage(server.be_standby)
    await asyncio.sleep(STANDBY_SECONDS)
    await server.be_promoted()
    return time.monotonic()


LOSSES: Mapping[str, Loss] = {
    "restart fast": _restarted_fast,
    "restart immediate": _restarted_at_once,
    "kill -9 of the postmaster": _postmaster_killed,
    "kill -9 of a backend": _backend_killed,
    "all backends terminated": _backends_terminated,
    "failover to a standby, then promoted": _failed_over,
}


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Lose the server under load, time after time; then under a pool that is idle."""
    if arena.server is None:
        raise CannotRun("it restarts and kills the server")
    for name, loss in LOSSES.items():
        async for figure in _under_load(arena, name, partial(loss, arena.server), scale):
            yield figure
    yield await _while_idle(arena, partial(_restarted_fast, arena.server))


async def _under_load(
    arena: Arena, name: str, loss: Callable[[], Awaitable[float]], scale: Scale
) -> AsyncIterator[Figure]:
    async with arena.store(with_parameters(arena.url, application_name=WRITERS)) as store:
        writers = Writers(store, arena.new_user())
        recoveries = []
        async with writers.writing():
            for _ in range(scale.outages):
                await asyncio.sleep(scale.outage_seconds / 2)
                answers = await loss()
                await asyncio.sleep(scale.outage_seconds / 2)
                recoveries.append(writers.seconds_until_success(answers))
        yield Figure(f"{name}: until a turn was stored again", max(recoveries), RECOVERY_SECONDS, "s")
        async for figure in writers.losses(name):
            yield figure


async def _while_idle(arena: Arena, loss: Callable[[], Awaitable[float]]) -> Figure:
    async with arena.store() as store:
        page = store.for_user(arena.new_user()).conversations.page
        await asyncio.gather(*[page() for _ in range(IDLE_CALLS)])
        await loss()
        answers = await asyncio.gather(*[page() for _ in range(IDLE_CALLS)], return_exceptions=True)
    served = sum(not isinstance(answer, BaseException) for answer in answers)
    return everything("restart under an idle pool: calls served afterwards", served, IDLE_CALLS)


CHECK = Check("server loss", run, needs_own_server=True)
