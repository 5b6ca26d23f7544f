"""The second wall: no statement of the application's role reaches another user's row, or hides that it has no user."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import asyncpg

from chat_persistence import (
    ChatStore,
    ConfigurationError,
    InsufficientPrivilege,
    MessageCreate,
    UserChats,
    row_level_security,
)
from chat_persistence.connection import make_engine, read_url
from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import CannotRun, Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.scale import Scale

NAME = "row-level security"
USERS = 3
TASKS = 6
POOL_SIZE = 2

# Each user has one conversation, whose id is made of the user's own. Without a target all rows are meant, as by a
# statement that forgot its predicate.
STATEMENTS = {
    ("conversations", "SELECT"): "SELECT user_id FROM conversations WHERE $1::text IS NULL OR user_id = $1",
    ("conversations", "INSERT"): "INSERT INTO conversations (user_id, id) VALUES ($1, gen_random_uuid())"
    " RETURNING user_id",
    ("conversations", "UPDATE"): "UPDATE conversations SET title = 'x' WHERE $1::text IS NULL OR user_id = $1"
    " RETURNING user_id",
    ("conversations", "DELETE"): "DELETE FROM conversations WHERE $1::text IS NULL OR user_id = $1 RETURNING user_id",
    ("messages", "SELECT"): "SELECT user_id FROM messages WHERE $1::text IS NULL OR user_id = $1",
    ("messages", "INSERT"): "INSERT INTO messages (conversation_id, user_id, position, id, role, content)"
    " VALUES (md5($1)::uuid, $1, 2, gen_random_uuid(), 'user', 'x') RETURNING user_id",
    ("messages", "UPDATE"): "UPDATE messages SET content = 'x' WHERE $1::text IS NULL OR user_id = $1"
    " RETURNING user_id",
    ("messages", "DELETE"): "DELETE FROM messages WHERE $1::text IS NULL OR user_id = $1 RETURNING user_id",
}
APPEND_ONLY = {("messages", "UPDATE"), ("messages", "DELETE")}

NEW_CONVERSATION = "INSERT INTO conversations (user_id, id) VALUES ($1, md5($1)::uuid)"
NEW_MESSAGE = (
    "INSERT INTO messages (conversation_id, user_id, position, id, role, content)"
    " VALUES (md5($1)::uuid, $1, 1, gen_random_uuid(), 'user', 'x')"
)
SET_USER = "SELECT set_config('chat_persistence.user_id', $1, true)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One statement of the matrix: who is set, and whose rows it is after."""

    statement: tuple[str, str]
    user: str | None
    target: str | None
    is_reused: bool
    """Whether the connection had a user before, so that the setting is there and empty."""

    @property
    def must_be_refused(self) -> bool:
        """Whether nobody may do that, or nobody without a user."""
        return self.user is None or self.statement in APPEND_ONLY

    @property
    def must_succeed(self) -> bool:
        """Whether it is after rows of the user's own."""
        return not self.must_be_refused and self.target in (None, self.user)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: the owners of the rows it reached, unless it was refused."""

    attempt: Attempt
    owners: tuple[str, ...]
    was_refused: bool

    @property
    def is_leak(self) -> bool:
        """Whether it reached a row that is not of the user who was set."""
        return any(owner != self.attempt.user for owner in self.owners)

    @property
    def is_silent(self) -> bool:
        """Whether an empty answer said that there is nothing, where there was."""
        expects_rows = self.attempt.must_succeed or self.attempt.user is None
        return expects_rows and not self.was_refused and not self.owners


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Try every command on every table, as nobody, as a stranger and as the owner; then work as three users at once."""
    users = [arena.new_user() for _ in range(USERS)]
    await _fill(arena, users)
    async with AsyncExitStack() as stack:
        try:
            role = await stack.enter_async_context(_application_role(arena))
        except ConfigurationError:
            raise CannotRun("this role may not create another") from None
        yield await _refused_at_start(arena)
        async for figure in _matrix(arena, role, users):
            yield figure
        async for figure in Crowd(arena, role, users).run(scale.walled_operations):
            yield figure


async def _fill(arena: Arena, users: list[str]) -> None:
    async with arena.connection() as connection:
        for user in users:
            await connection.execute(NEW_CONVERSATION, user)
            await connection.execute(NEW_MESSAGE, user)


@asynccontextmanager
async def _application_role(arena: Arena) -> AsyncIterator[str]:
    role = f"selftest_{uuid4().hex[:16]}"
    engine = make_engine(read_url(arena.url))
    try:
        await row_level_security.enable(engine, role, schema=arena.schema)
        try:
            await _execute(arena, f'GRANT "{role}" TO CURRENT_USER')
            yield role
        finally:
            await row_level_security.disable(engine, schema=arena.schema)
            await _execute(arena, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')
    finally:
        await engine.dispose()


async def _execute(arena: Arena, statements: str) -> None:
    async with arena.connection() as connection:
        await connection.execute(statements)


async def _refused_at_start(arena: Arena) -> Figure:
    refusals = 0
    async with arena.store(row_level_security=True) as store:
        try:
            await store.for_user("ada").conversations.page()
        except ConfigurationError:
            refusals += 1
    return everything(f"{NAME}: the tables' owner refused at start-up", refusals, 1)


async def _matrix(arena: Arena, role: str, users: list[str]) -> AsyncIterator[Figure]:
    outcomes = [await _make(arena, role, attempt) for attempt in _attempts(users[0], users[1])]
    successes = [outcome for outcome in outcomes if outcome.attempt.must_succeed]
    refusals = [outcome for outcome in outcomes if outcome.attempt.must_be_refused]
    yield nothing(f"{NAME}: rows of others reached", sum(each.is_leak for each in outcomes), len(outcomes))
    yield nothing(f"{NAME}: silent empty answers", sum(each.is_silent for each in outcomes), len(outcomes))
    yield everything(f"{NAME}: refused as they should be", sum(each.was_refused for each in refusals), len(refusals))
    yield everything(f"{NAME}: own rows reached", sum(bool(each.owners) for each in successes), len(successes))


def _attempts(user: str, other: str) -> Iterator[Attempt]:
    for statement in STATEMENTS:
        for is_reused in (False, True):
            for setting in (None, other, user):
                yield Attempt(statement, setting, user, is_reused)
                if statement[1] != "INSERT":
                    yield Attempt(statement, setting, None, is_reused)


async def _make(arena: Arena, role: str, attempt: Attempt) -> Outcome:
    async with arena.connection() as connection:
        await connection.execute(f'SET ROLE "{role}"')
        if attempt.is_reused:
            async with connection.transaction():
                await connection.execute(SET_USER, attempt.target or "somebody")
        transaction = connection.transaction()
        await transaction.start()
        try:
            if attempt.user is not None:
                await connection.execute(SET_USER, attempt.user)
            rows = await connection.fetch(STATEMENTS[attempt.statement], attempt.target)
            return Outcome(attempt, tuple(row["user_id"] for row in rows), was_refused=False)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError):
            return Outcome(attempt, (), was_refused=True)
        finally:
            await transaction.rollback()


class Crowd:
    """Several users at once, whose operations take turns on fewer connections."""

    def __init__(self, arena: Arena, role: str, users: list[str]) -> None:
        url = with_parameters(arena.url, options=f"-c role={role}")
        self._store = arena.store(url, row_level_security=True, pool_size=POOL_SIZE)
        self._users = users
        self._conversations = {user: uuid4() for user in users}
        self._random = random.Random(0)  # noqa: S311 (the same operations in every run)
        self._done = 0
        self._foreign = 0
        self._answered = 0

    async def run(self, operations: int) -> AsyncIterator[Figure]:
        """Yield what went wrong among that many operations."""
        numbers = iter(range(operations))
        async with self._store as store:
            await asyncio.gather(*[self._work(store, numbers) for _ in range(TASKS)])
        name = f"{NAME}, {USERS} users on {POOL_SIZE} connections"
        yield everything(f"{name}: operations done", self._done, operations)
        yield nothing(f"{name}: rows of others read", self._foreign, operations)
        yield nothing(f"{name}: answers to whoever named no user", self._answered, operations)

    async def _work(self, store: ChatStore, numbers: Iterator[int]) -> None:
        for _ in numbers:
            user = self._random.choice(self._users)
            operation = self._random.choice((self._append, self._read, self._list, self._unit))
            owners = await operation(store, store.for_user(user), user)
            self._foreign += sum(owner != user for owner in owners)
            self._answered += await _answers_nobody(store)
            self._done += 1

    async def _append(self, store: ChatStore, chat: UserChats, user: str) -> list[str]:
        stored = await chat.messages.append(self._conversations[user], _message(user), create_conversation=True)
        return [message.user_id for message in stored]

    async def _read(self, store: ChatStore, chat: UserChats, user: str) -> list[str]:
        read = [await chat.messages.last(conversation) for conversation in self._conversations.values()]
        return [owner for messages in read for message in messages for owner in (message.user_id, message.content)]

    async def _list(self, store: ChatStore, chat: UserChats, user: str) -> list[str]:
        return [conversation.user_id for conversation in (await chat.conversations.page()).items]

    async def _unit(self, store: ChatStore, chat: UserChats, user: str) -> list[str]:
        async with store.unit_of_work(user) as work:
            for conversation in self._conversations.values():
                await work.messages.last(conversation)
            await work.messages.append(self._conversations[user], _message(user), create_conversation=True)
            return [conversation.user_id for conversation in (await work.conversations.page()).items]


async def _answers_nobody(store: ChatStore) -> bool:
    # On a connection that has just served some user.
    try:
        await store.users()
    except InsufficientPrivilege:
        return False
    return True


def _message(user: str) -> MessageCreate:
    return MessageCreate(role="user", content=user)


CHECK = Check(NAME, run)
