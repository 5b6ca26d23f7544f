"""A storm of deadlines that are too short: a cold pool gets warm in it, a warm one keeps serving, nothing piles up."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import asyncpg

from chat_persistence import ChatStore, MessageCreate
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.loop_alarms import loop_alarms
from chat_persistence.selftest.scale import Scale

AT_ONCE = 30
POOL_SIZE = 10
DEADLINE_SECONDS = 0.005
FAR_SECONDS = 0.008
SERVED = 50
RECOVERY_SECONDS = 5.0

IN_THE_STORM = "in the storm"
OUTSIDE = "before or after it"


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Call with deadlines of 5 ms on a pool that has no connection yet, near and far, and on one that has all."""
    for name, delay, is_warm in (
        ("cold pool", 0.0, False),
        ("cold pool, 8 ms away", FAR_SECONDS, False),
        ("warm pool", 0.0, True),
    ):
        async with (
            arena.relay(delay) as (far, _),
            arena.store(far if delay else None, pool_size=POOL_SIZE) as store,
            arena.connection() as observer,
        ):
            storm = Storm(store, arena.new_user(), observer)
            async for figure in storm.run(name, scale.deadlines, is_warm=is_warm):
                yield figure


class Storm:
    """Thirty callers with deadlines at once, on ten connections; on a warm pool, also one who has time."""

    def __init__(self, store: ChatStore, user_id: str, observer: "asyncpg.Connection") -> None:
        self._chat = store.for_user(user_id)
        self._user_id = user_id
        self._observer = observer
        self._served = 0
        self._is_over = False

    async def run(self, name: str, calls: int, *, is_warm: bool) -> AsyncIterator[Figure]:
        """Yield what it left behind."""
        if is_warm:
            await self._serve()
        with loop_alarms() as alarms:
            patient = asyncio.create_task(self._call_patiently()) if is_warm else None
            await asyncio.gather(*[self._call(calls // AT_ONCE) for _ in range(AT_ONCE)])
            self._is_over = True
            stored = await self._count()
            if patient is not None:
                yield Figure(f"{name}: calls served meanwhile", self._served, 1, at_least=True)
                await patient
            served, seconds = await self._recover()
            yield everything(f"{name}: calls served afterwards", served, SERVED)
            yield Figure(f"{name}: until all were served", seconds, RECOVERY_SECONDS, "s")
            backlog = await self._count() - stored
            yield Figure(f"{name}: writes of callers who had left, stored afterwards", backlog, POOL_SIZE, of=calls)
            yield nothing(f"{name}: exceptions that reached the loop", alarms(), calls)

    async def _call(self, times: int) -> None:
        for _ in range(times):
            with suppress(TimeoutError):
                async with asyncio.timeout(DEADLINE_SECONDS):
                    await self._append(IN_THE_STORM)
                self._served += 1

    async def _call_patiently(self) -> None:
        # No machine is too slow, and no server too far away, for this one.
        while not self._is_over:
            await self._append(OUTSIDE)
            self._served += not self._is_over

    async def _recover(self) -> tuple[int, float]:
        started = time.perf_counter()
        served = 0
        while served < SERVED and time.perf_counter() - started < RECOVERY_SECONDS:
            served = await self._serve()
        return served, time.perf_counter() - started

    async def _serve(self) -> int:
        answers = await asyncio.gather(*[self._append(OUTSIDE) for _ in range(SERVED)], return_exceptions=True)
        return sum(not isinstance(answer, BaseException) for answer in answers)

    async def _append(self, content: str) -> None:
        await self._chat.messages.append(uuid4(), MessageCreate(role="user", content=content), create_conversation=True)

    async def _count(self) -> int:
        query = "SELECT count(*) FROM messages WHERE user_id = $1 AND content = $2"
        count: int = await self._observer.fetchval(query, self._user_id, IN_THE_STORM)
        return count


CHECK = Check("deadline storm", run)
