"""A black hole: packets vanish and no line ends; every method returns within its time limits and two seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from chat_persistence import (
    ChatPersistenceError,
    ChatStore,
    ConversationLoad,
    ConversationNotFound,
    ConversationUpdate,
    MessageCreate,
    MetadataSwap,
    UserChats,
)
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything
from chat_persistence.selftest.key_rotation import IS_INSTALLED, rotate_keys
from chat_persistence.selftest.scale import Scale

LIMIT_SECONDS = 1.0
"""For connecting, and again for an answer; the defaults are 5 s and 15 s."""

GRACE_SECONDS = 2.0
LEAVE_MILLISECONDS = 100.0
CLOSE_SECONDS = 5.0
POLL_SECONDS = 0.01

UNITS = ("statement", "COMMIT", "ROLLBACK")
"""What of a unit of work meets the black hole."""


@dataclass(slots=True)
class Caller:
    """One user of a store, and a conversation."""

    store: ChatStore
    user_id: str
    id: UUID = field(default_factory=uuid4)

    @property
    def chat(self) -> UserChats:
        """What this user has."""
        return self.store.for_user(self.user_id)

    async def iterate(self) -> None:
        """Read the first message."""
        async for _ in self.chat.messages.iterate(self.id):
            return

    async def export(self) -> None:
        """Export what this user has."""
        async for _ in self.store.export(self.user_id):
            pass

    async def write(self) -> None:
        """Store a part of a draft."""
        draft = await self.chat.drafts.begin(self.id).__aenter__()
        await draft.write("Hi")
        await draft.flush()

    async def look_for_drafts(self) -> None:
        """Read the first draft of anybody."""
        async for _ in self.store.drafts():
            return

    async def load(self) -> None:
        """Load a conversation."""
        await self.store.load([ConversationLoad(user_id=self.user_id, id=uuid4(), messages=[new_message()])])


def new_message() -> MessageCreate:
    """Return a message to send."""
    return MessageCreate(role="user", content="Hi")


METHODS: Mapping[str, Callable[[Caller], Awaitable[object]]] = {
    "conversations.create": lambda caller: caller.chat.conversations.create(),
    "conversations.get": lambda caller: caller.chat.conversations.get(caller.id),
    "conversations.get_with_messages": lambda caller: caller.chat.conversations.get_with_messages(caller.id),
    "conversations.page": lambda caller: caller.chat.conversations.page(),
    "conversations.update": lambda caller: caller.chat.conversations.update(caller.id, ConversationUpdate(title="Hi")),
    "conversations.swap_metadata": lambda caller: caller.chat.conversations.swap_metadata(
        caller.id, MetadataSwap("run", {}, None)
    ),
    "conversations.rename": lambda caller: caller.chat.conversations.rename(caller.id, "Hi"),
    "conversations.archive": lambda caller: caller.chat.conversations.archive(caller.id),
    "conversations.unarchive": lambda caller: caller.chat.conversations.unarchive(caller.id),
    "conversations.delete": lambda caller: caller.chat.conversations.delete(caller.id),
    "conversations.fork": lambda caller: caller.chat.conversations.fork(caller.id, 0),
    "conversations.usage": lambda caller: caller.chat.conversations.usage(caller.id),
    "messages.append": lambda caller: caller.chat.messages.append(caller.id, new_message()),
    "messages.last": lambda caller: caller.chat.messages.last(caller.id),
    "messages.last_turns": lambda caller: caller.chat.messages.last_turns(caller.id, 3),
    "messages.page": lambda caller: caller.chat.messages.page(caller.id),
    "messages.get": lambda caller: caller.chat.messages.get(caller.id),
    "messages.through": lambda caller: caller.chat.messages.through(caller.id),
    "messages.search": lambda caller: caller.chat.messages.search("Hi"),
    "messages.iterate": Caller.iterate,
    "messages.rewind": lambda caller: caller.chat.messages.rewind(caller.id, 0),
    "usage": lambda caller: caller.chat.usage(),
    "drafts.write": Caller.write,
    "drafts.page": lambda caller: caller.chat.drafts.page(caller.id),
    "drafts.finish": lambda caller: caller.chat.drafts.finish(caller.id, uuid4()),
    "drafts.abort": lambda caller: caller.chat.drafts.abort(caller.id, uuid4()),
    "drafts.discard": lambda caller: caller.chat.drafts.discard(caller.id, uuid4()),
    "erase": lambda caller: caller.chat.erase(),
    "users": lambda caller: caller.store.users(),
    "drafts": Caller.look_for_drafts,
    "load": Caller.load,
    "export": Caller.export,
    "prune": lambda caller: caller.store.prune(timedelta(days=36_500)),
    "check": lambda caller: caller.store.check(),
    "migrate": lambda caller: caller.store.migrate(),
    **({"rotate_keys": lambda caller: rotate_keys(caller.store)} if IS_INSTALLED else {}),
}

POOL_SIZE = len(METHODS) + 2 * len(UNITS) + 1


@dataclass(frozen=True, slots=True)
class Return:
    """How a call came back."""

    name: str
    seconds: float
    is_ours: bool
    """Whether it raised one of our errors; nothing else can come out of a black hole."""


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Call every method at once, each on a line of its own: first on lines that are there, then on new ones."""
    async with arena.relay() as (url, relay), _store(arena, url) as warm, _store(arena, url) as cold:
        caller = Caller(warm, arena.new_user())
        await caller.chat.conversations.create(id=caller.id)
        await asyncio.gather(*[caller.chat.messages.last(caller.id) for _ in range(POOL_SIZE)])
        hole = asyncio.Barrier(2 * len(UNITS) + 1)
        units = [asyncio.create_task(_unit(caller, hole, name)) for name in (*UNITS, *UNITS)]
        while hole.n_waiting < len(units):
            await asyncio.sleep(POLL_SECONDS)
        relay.swallow()
        await hole.wait()
        leaving = [asyncio.create_task(_called(caller, "messages.append")), *units[len(UNITS) :]]
        returns, left = await asyncio.gather(_all_of(caller, *units[: len(UNITS)]), _cancelled(leaving))
        for figure in _figures("lines that were there", returns, 2 * LIMIT_SECONDS):
            yield figure
        yield Figure("callers who were cancelled there: until all had left", left, LEAVE_MILLISECONDS, "ms")
        newcomer = Caller(cold, caller.user_id, caller.id)
        for figure in _figures("new lines", await _all_of(newcomer), LIMIT_SECONDS):
            yield figure
        closed = await asyncio.gather(_closed(warm), _closed(cold))
        yield Figure("aclose()", max(closed), CLOSE_SECONDS + GRACE_SECONDS, "s")


def _store(arena: Arena, url: str) -> ChatStore:
    limits = {f"{what}_timeout": LIMIT_SECONDS for what in ("pool", "connect", "command")}
    return arena.store(url, pool_size=POOL_SIZE, **limits)


async def _all_of(caller: Caller, *others: Awaitable[Return]) -> list[Return]:
    return await asyncio.gather(*[_called(caller, name) for name in METHODS], *others)


async def _called(caller: Caller, name: str) -> Return:
    started, is_ours = time.perf_counter(), False
    try:
        await METHODS[name](caller)
    except ChatPersistenceError:
        is_ours = True
    return Return(name, time.perf_counter() - started, is_ours)


async def _unit(caller: Caller, hole: asyncio.Barrier, name: str) -> Return:
    started, is_ours = 0.0, False
    try:
        async with caller.store.unit_of_work(caller.user_id) as work:
            await work.conversations.get(caller.id)
            await hole.wait()
            started = time.perf_counter()
            if name == "statement":
                await work.conversations.get(caller.id)
            elif name == "ROLLBACK":
                raise ConversationNotFound(caller.id)
    except ChatPersistenceError:
        is_ours = True
    return Return(f"{name} of a unit of work", time.perf_counter() - started, is_ours)


async def _cancelled(callers: Sequence["asyncio.Task[Return]"]) -> float:
    await asyncio.sleep(LIMIT_SECONDS / 4)
    started = time.perf_counter()
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    return 1000 * (time.perf_counter() - started)


def _figures(name: str, returns: list[Return], limit: float) -> tuple[Figure, Figure]:
    slowest = max(returns, key=lambda each: each.seconds)
    return (
        Figure(f"{name}: the slowest, {slowest.name}", slowest.seconds, limit + GRACE_SECONDS, "s"),
        everything(f"{name}: an error of ours", sum(each.is_ours for each in returns), len(returns)),
    )


async def _closed(store: ChatStore) -> float:
    started = time.perf_counter()
    await store.aclose()
    return time.perf_counter() - started


CHECK = Check("black hole", run)
