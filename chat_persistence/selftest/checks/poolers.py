"""Poolers in transaction mode: many clients on few connections of the server, which are left as they were found."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

from chat_persistence import ChatStore, ConversationLoad, MessageCreate
from chat_persistence.connection import Profile, TimeLimits, connected, read_url
from chat_persistence.errors import ChatPersistenceError, ConfigurationError
from chat_persistence.selftest.arena import Arena, opened
from chat_persistence.selftest.check import CannotRun, Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.pgbouncer import obstacle, pooled
from chat_persistence.selftest.scale import Scale

CLIENTS = 16
SERVER_CONNECTIONS = 4
TRIES = 10

FOR_POOLERS: tuple[Profile, ...] = ("pgbouncer", "neon")

PREPARED = "SELECT count(*) FROM pg_prepared_statements"

SESSION_STATE = """
    SELECT name || ' = ' || setting FROM pg_settings WHERE source = 'session'
    UNION ALL SELECT 'an advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
    UNION ALL SELECT 'a channel listened to' FROM pg_listening_channels()
    UNION ALL SELECT 'a cursor' FROM pg_cursors WHERE is_holdable
    UNION ALL SELECT 'a temporary table' FROM pg_class WHERE relnamespace = pg_my_temp_schema()
"""


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Play through a real PgBouncer with each profile that is for one, and look for the wrong one."""
    if (reason := obstacle()) is not None:
        raise CannotRun(reason)
    for profile in FOR_POOLERS:
        async for figure in _play(arena, profile, scale.pooled_calls):
            yield figure
    async for figure in _judge_profiles(arena):
        yield figure


async def _play(arena: Arena, profile: Profile, calls: int) -> AsyncIterator[Figure]:
    async with pooled(arena.url, server_connections=SERVER_CONNECTIONS) as (url, relay):
        before = await Remains.of(url)
        # The tables are made and dropped through the pooler, too.
        async with opened(url) as inside, inside.store(profile=profile, pool_size=CLIENTS) as store:
            await store.check()
            await store.load([ConversationLoad(user_id=inside.new_user(), id=uuid4(), messages=[_message("Hi")])])
            players = [Player(store, inside.new_user()) for _ in range(CLIENTS)]
            answered = await asyncio.gather(*[player.play(calls // CLIENTS) for player in players])
        after = await Remains.of(url)
        yield everything(f"{profile}: calls answered rightly", sum(answered), calls)
        yield nothing(f"{profile}: prepared statements left on the server", after.prepared)
        yield nothing(f"{profile}: session state left on the server", (after.state - before.state).total())
        yield Figure(
            f"{profile}: connections of the server for {CLIENTS} clients", relay.connections, SERVER_CONNECTIONS
        )


async def _judge_profiles(arena: Arena) -> AsyncIterator[Figure]:
    async with pooled(arena.url) as (url, _):
        yield everything("a pooler taken for a server: found by check()", await _refusals(arena, url), TRIES)
        yield nothing("the same: prepared statements left on the server", (await Remains.of(url)).prepared)
        alarms = [await _refusals(arena, url, profile) for profile in FOR_POOLERS]
        async with arena.store(url, pool_size=CLIENTS) as store:
            players = [asyncio.create_task(Player(store, arena.new_user()).play()) for _ in range(CLIENTS)]
            yield everything("the same, while others are busy", await _refusals(arena, url), TRIES)
            for player in players:
                player.cancel()
            await asyncio.gather(*players, return_exceptions=True)
    async with pooled(arena.url, pool_mode="session") as (url, _):
        alarms.append(await _refusals(arena, url))
    alarms.append(await _refusals(arena, arena.url))
    yield nothing("false alarms of check()", sum(alarms), TRIES * len(alarms))


async def _refusals(arena: Arena, url: str, profile: Profile = "direct") -> int:
    return sum([await _is_refused(arena, url, profile) for _ in range(TRIES)])


async def _is_refused(arena: Arena, url: str, profile: Profile) -> bool:
    async with arena.store(url, profile=profile) as store:
        try:
            await store.check()
        except ConfigurationError as error:
            return 'profile="pgbouncer"' in str(error)
    return False


@dataclass(frozen=True, slots=True)
class Remains:
    """What is found on the pooler's connections of the server."""

    prepared: int
    state: Counter[str]

    @classmethod
    async def of(cls, url: str) -> "Remains":
        """Look at every one of them: each is held by a transaction until all have been seen."""
        prepared, state = 0, Counter[str]()
        async with AsyncExitStack() as stack:
            for _ in range(SERVER_CONNECTIONS):
                connection = await stack.enter_async_context(connected(read_url(url), TimeLimits()))
                await stack.enter_async_context(connection.transaction())
                prepared += await connection.fetchval(PREPARED)
                state.update([row[0] for row in await connection.fetch(SESSION_STATE)])
        return cls(prepared, state)


class Player:
    """A user who talks, and knows what every answer has to be."""

    def __init__(self, store: ChatStore, user: str) -> None:
        self._store = store
        self._user = user
        self._chat = store.for_user(user)
        self._said: list[str] = []

    async def play(self, calls: int = 1_000_000) -> int:
        """Return how many calls were answered, and rightly."""
        self._conversation = (await self._chat.conversations.create()).id
        answered = 1
        moves = (self._append, self._read, self._append_in_a_unit_of_work, self._read_a_page)
        for number in range(1, calls):
            try:
                answered += await moves[number % len(moves)]()
            except ChatPersistenceError:
                continue
        return answered

    async def _append(self) -> bool:
        stored = await self._chat.messages.append(self._conversation, self._next(), self._next())
        return [message.position for message in stored] == [len(self._said) - 1, len(self._said)]

    async def _append_in_a_unit_of_work(self) -> bool:
        async with self._store.unit_of_work(self._user) as work:
            await work.messages.append(self._conversation, self._next())
            (stored,) = await work.messages.append(self._conversation, self._next())
        return stored.position == len(self._said)

    async def _read(self) -> bool:
        messages = await self._chat.messages.last(self._conversation, 10)
        return [message.content for message in messages] == self._said[-10:]

    async def _read_a_page(self) -> bool:
        page = await self._chat.messages.page(self._conversation, 10, after=0)
        return [message.content for message in page.items] == self._said[:10]

    def _next(self) -> MessageCreate:
        self._said.append(f"{self._user}: {len(self._said)}")
        return _message(self._said[-1])


def _message(content: str) -> MessageCreate:
    return MessageCreate(role="user", content=content)


CHECK = Check("poolers", run)
