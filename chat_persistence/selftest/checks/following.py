"""Many writers, and those who follow them in every way, through a restart of the server: everything comes once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from uuid import UUID

from chat_persistence import ChatPersistenceError, ChatStore, MessageCreate, MessageRead, OutcomeUnknown
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import CannotRun, Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.relay import Relay
from chat_persistence.selftest.scale import Scale
from chat_persistence.selftest.server import FAST

WRITERS = 32
CONVERSATIONS = 2
PAUSE_SECONDS = 0.02
LONGEST_WAIT = 60.0
"""Seconds, after the last message was stored, for all of them to have come."""

Loss = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Reader:
    """One who follows, what came, and what broke it off."""

    name: str
    store: ChatStore
    user_id: str
    conversation: UUID
    stays: int | None = None
    """How many messages it stays for, before it begins anew where it was."""
    seen: list[MessageRead] = field(default_factory=list)
    broken_off: str | None = None

    async def read(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                await self._follow()
        except ChatPersistenceError as error:
            self.broken_off = type(error).__name__

    async def _follow(self) -> None:
        after = self.seen[-1].position if self.seen else 0
        left = self.stays
        following = self.store.for_user(self.user_id).messages.follow(self.conversation, after=after)
        async with aclosing(following) as messages:
            async for message in messages:
                self.seen.append(message)
                if left is not None and (left := left - 1) == 0:
                    return


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Cut everybody's connections in the middle."""
    async with arena.relay() as (url, relay):
        async for figure in _play(arena, scale, "lines cut", url, partial(_cut, relay)):
            yield figure


async def run_through_a_restart(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Restart the server in the middle."""
    if arena.server is None:
        raise CannotRun("it restarts the server")
    restart = partial(arena.server.outage, partial(arena.server.stop_and_start, FAST))
    async for figure in _play(arena, scale, "server restarted", arena.url, restart):
        yield figure


async def _cut(relay: Relay) -> None:
    relay.drop_all()


async def _play(arena: Arena, scale: Scale, name: str, url: str, loss: Loss) -> AsyncIterator[Figure]:
    user_id = arena.new_user()
    async with AsyncExitStack() as stack:
        writing = await stack.enter_async_context(arena.store(url))
        conversations = [(await writing.for_user(user_id).conversations.create()).id for _ in range(CONVERSATIONS)]
        readers = await _readers(arena, url, user_id, conversations[0], stack)
        reading = [asyncio.create_task(reader.read()) for reader in readers]
        try:
            await _write(writing, user_id, conversations, scale.followed_turns, loss)
            log = [message async for message in writing.for_user(user_id).messages.iterate(conversations[0])]
            await _until_there(readers, log[-1].position)
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
    yield everything(f"{name}: messages stored that {WRITERS} writers sent", len(log), WRITERS * scale.followed_turns)
    for reader in readers:
        for figure in _figures(f"{name}, {reader.name}", reader, log):
            yield figure


async def _readers(arena: Arena, url: str, user_id: str, conversation: UUID, stack: AsyncExitStack) -> list[Reader]:
    told = await stack.enter_async_context(arena.store(url))
    looking = await stack.enter_async_context(arena.store(url, profile="pgbouncer"))
    engine = await stack.enter_async_context(arena.host_engine(url))
    joined = await stack.enter_async_context(arena.joined_store(engine))
    return [
        Reader("told", told, user_id, conversation),
        Reader("told, comes and goes", told, user_id, conversation, stays=10),
        Reader("looking", looking, user_id, conversation),
        Reader("on a host's engine", joined, user_id, conversation),
    ]


async def _write(store: ChatStore, user_id: str, conversations: Sequence[UUID], turns: int, loss: Loss) -> None:
    """Have all writers write all of their turns, and lose the server after half of them."""
    stored, half = 0, asyncio.Event()

    async def write(number: int) -> None:
        nonlocal stored
        for turn in range(turns):
            await _store_turn(store, user_id, conversations, in_a_unit=(number + turn) % 5 == 0)
            stored += 1
            if stored == WRITERS * turns // 2:
                half.set()

    async with asyncio.TaskGroup() as tasks:
        for number in range(WRITERS):
            tasks.create_task(write(number))
        await half.wait()
        await loss()


async def _store_turn(store: ChatStore, user_id: str, conversations: Sequence[UUID], *, in_a_unit: bool) -> None:
    """Store one message in each conversation, again after each error until it is there."""
    messages = {conversation: MessageCreate(role="user", content="x") for conversation in conversations}
    while True:
        try:
            if in_a_unit:
                async with store.unit_of_work(user_id) as work:
                    for conversation, message in messages.items():
                        await work.messages.append(conversation, message)
            else:
                for conversation, message in messages.items():
                    await store.for_user(user_id).messages.append(conversation, message)
        except ChatPersistenceError as error:
            if not (error.retryable or isinstance(error, OutcomeUnknown)):
                raise
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def _until_there(readers: Sequence[Reader], position: int) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST_WAIT
    for reader in readers:
        while not (reader.seen and reader.seen[-1].position == position) and loop.time() < until:
            await asyncio.sleep(PAUSE_SECONDS)


def _figures(name: str, reader: Reader, log: Sequence[MessageRead]) -> list[Figure]:
    seen = Counter(message.id for message in reader.seen)
    positions = [message.position for message in reader.seen]
    return [
        nothing(f"{name}: messages missed", len({message.id for message in log} - set(seen)), len(log)),
        nothing(f"{name}: messages doubled", sum(count > 1 for count in seen.values()), len(log)),
        nothing(f"{name}: messages out of order", sum(a >= b for a, b in pairwise(positions))),
        nothing(f"{name}: broken off", int(reader.broken_off is not None)),
    ]


CHECK = Check("following", run)
RESTART = Check("following through a restart", run_through_a_restart, needs_own_server=True)
