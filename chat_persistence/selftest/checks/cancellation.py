"""Cancelled callers: at any moment, in any way, near and far, they cost no connection and tear no turn."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from uuid import UUID, uuid4

import anyio

from chat_persistence import ChatStore, MessageCreate
from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.loop_alarms import loop_alarms
from chat_persistence.selftest.scale import Scale

AT_ONCE = 10
POOL_SIZE = 10
FAR_SECONDS = 0.008
CONVERSATIONS = 20
SERVED = 50
LET_BE = 0.25
"""The share of turns that nobody cancels."""
MOST_TURNS = 20
"""For each cancellation that is asked for: an end, should callers not be reached."""

Turn = Callable[[], Awaitable[object]]


async def cancelled_once(turn: Turn, after: float) -> None:
    """Cancel as a framework does whose client has gone."""
    await _cancelled(turn, after, times=1)


async def cancelled_six_times(turn: Turn, after: float) -> None:
    """Cancel as somebody does who is impatient."""
    await _cancelled(turn, after, times=6)


async def cancelled_by_scope(turn: Turn, after: float) -> None:
    """Cancel as anyio does, which does it again at every turn of the loop."""
    with anyio.move_on_after(after):
        await turn()


async def timed_out(turn: Turn, after: float) -> None:
    """Cancel as a deadline does."""
    with suppress(TimeoutError):
        async with asyncio.timeout(after):
            await turn()


WAYS: Mapping[str, Callable[[Turn, float], Awaitable[None]]] = {
    "cancel": cancelled_once,
    "six cancels": cancelled_six_times,
    "anyio scope": cancelled_by_scope,
    "timeout": timed_out,
}


async def _cancelled(turn: Turn, after: float, *, times: int) -> None:
    task = asyncio.ensure_future(turn())
    await asyncio.sleep(after)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.0004 if times > 1 else 0)
    with suppress(asyncio.CancelledError):
        await task


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Cancel very many appends and units of work at random moments, in every way, among others that are let be."""
    for distance, delay in (("", 0.0), (", 8 ms away", FAR_SECONDS)):
        for name, way in WAYS.items():
            storm = Storm(arena, way, delay)
            with loop_alarms() as alarms:
                async for figure in storm.run(scale.cancellations, f"{name}{distance}"):
                    yield figure
                yield nothing(f"{name}{distance}: exceptions that reached the loop", alarms(), storm.turns)


class Storm:
    """One way to cancel, at one distance."""

    def __init__(self, arena: Arena, way: Callable[[Turn, float], Awaitable[None]], delay: float) -> None:
        self._arena = arena
        self._way = way
        self._delay = delay
        self._user = arena.new_user()
        self._conversations = [uuid4() for _ in range(CONVERSATIONS)]
        self._random = random.Random(0)  # noqa: S311 (the same moments in every run)
        self._seconds = 0.0
        """What a turn takes that is let be, of late: a caller is cancelled at any moment of it."""
        self._cancellations = 0
        self.turns = 0
        """How many were begun, cancelled or not."""

    async def run(self, cancellations: int, name: str) -> AsyncIterator[Figure]:
        """Yield what so many callers broke who were cancelled before they had their answer."""
        application = f"storm {self._user[-12:]}"
        async with self._arena.relay(self._delay) as (url, relay):
            through = with_parameters(url, application_name=application)
            async with self._arena.store(through, pool_size=POOL_SIZE) as store:
                await self._warm_up(store)
                warm, made = await self._arena.backends(application), relay.connections
                await asyncio.gather(*[self._play(store, cancellations) for _ in range(AT_ONCE)])
                served = await self._serve(store)
                alive = await self._arena.backends(application)
                turns = self.turns
                yield Figure(f"{name}: callers cancelled", self._cancellations, cancellations, of=turns, at_least=True)
                yield everything(f"{name}: connections to watch", len(warm), POOL_SIZE)
                yield everything(f"{name}: calls served afterwards", served, SERVED)
                yield nothing(f"{name}: half-written turns", await self._torn(store), turns)
                yield nothing(f"{name}: connections destroyed", len(warm - alive), turns)
                yield nothing(f"{name}: connections made anew", relay.connections - made, turns)
            yield nothing(f"{name}: connections leaked", len(await self._arena.backends(application)))

    async def _warm_up(self, store: ChatStore) -> None:
        chat = store.for_user(self._user)
        await asyncio.gather(*[chat.conversations.create(id=each) for each in self._conversations])
        for number in range(10):
            await self._append(store, number)

    async def _play(self, store: ChatStore, cancellations: int) -> None:
        while self._cancellations < cancellations and self.turns < MOST_TURNS * cancellations:
            self.turns += 1
            turn = partial(self._turn, store, self.turns)
            if self._random.random() < LET_BE:
                started = time.perf_counter()
                await turn()
                self._seconds += (time.perf_counter() - started - self._seconds) / 10
            else:
                await self._way(turn, self._random.uniform(0, self._seconds))

    async def _turn(self, store: ChatStore, number: int) -> None:
        try:
            await (self._unit if number % 5 == 4 else self._append)(store, number)
        except asyncio.CancelledError:
            self._cancellations += 1
            raise

    async def _append(self, store: ChatStore, number: int) -> None:
        await store.for_user(self._user).messages.append(self._conversation(number), *_messages(number))

    async def _unit(self, store: ChatStore, number: int) -> None:
        async with store.unit_of_work(self._user) as work:
            question, answer = _messages(number)
            await work.messages.append(self._conversation(number), question)
            await work.messages.append(self._conversation(number), answer)

    def _conversation(self, number: int) -> UUID:
        return self._conversations[number % CONVERSATIONS]

    async def _serve(self, store: ChatStore) -> int:
        chat = store.for_user(self._user)
        calls = [chat.messages.last(self._conversation(number)) for number in range(SERVED)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        return sum(not isinstance(answer, BaseException) for answer in answers)

    async def _torn(self, store: ChatStore) -> int:
        torn = 0
        for conversation in self._conversations:
            messages = [message async for message in store.for_user(self._user).messages.iterate(conversation)]
            contents = [message.content for message in messages]
            torn += len(contents) % 2 + sum(a != b for a, b in zip(contents[::2], contents[1::2], strict=False))
            torn += [message.position for message in messages] != list(range(1, len(messages) + 1))
        return torn


def _messages(number: int) -> tuple[MessageCreate, MessageCreate]:
    return MessageCreate(role="user", content=str(number)), MessageCreate(role="assistant", content=str(number))


CHECK = Check("cancellation", run)
