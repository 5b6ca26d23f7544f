"""What is tried again, how often, and what never is: attempts are counted where they arrive, in the database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from chat_persistence import (
    ChatPersistenceError,
    ChatStore,
    DatabaseFailure,
    MessageCreate,
    StoreUnavailable,
    UserChats,
)
from chat_persistence.selftest.relay import Relay
from tests.servers import new_migrated_database

AGAIN_AND_AGAIN = 99

FAIL = """
CREATE SEQUENCE attempts;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('attempts') <= TG_ARGV[0]::int THEN
        PERFORM pg_sleep(TG_ARGV[2]::float);
        RAISE EXCEPTION USING ERRCODE = TG_ARGV[1];
    END IF;
    RETURN coalesce(NEW, OLD);
END $$
"""


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[str]:
    async with new_migrated_database(database_url) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(FAIL)
        await connection.close()
        yield url


@pytest.fixture
async def operator(database: str) -> AsyncIterator["asyncpg.Connection"]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.execute("DROP TRIGGER IF EXISTS fail ON messages")
    await connection.execute("ALTER SEQUENCE attempts RESTART")
    await connection.close()


@pytest.fixture
async def store(database: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(database, command_timeout=1) as store:
        yield store


@pytest.fixture
def chat(store: ChatStore, user_id: str) -> UserChats:
    return store.for_user(user_id)


@pytest.fixture
async def conversation_id(chat: UserChats) -> UUID:
    """A conversation with a message."""
    conversation = await chat.conversations.create()
    await chat.messages.append(conversation.id, MessageCreate(role="user", content="Hi"))
    return conversation.id


async def fail(operator: "asyncpg.Connection", times: int, sqlstate: str, after: float = 0) -> None:
    """Have every change of a message fail so many times, with this SQLSTATE, and after so many seconds."""
    await operator.execute(
        "CREATE TRIGGER fail BEFORE INSERT OR DELETE ON messages FOR EACH ROW "
        f"EXECUTE FUNCTION fail('{times}', '{sqlstate}', '{after}')"
    )


async def attempts(operator: "asyncpg.Connection") -> int:
    count: int = await operator.fetchval("SELECT last_value FROM attempts WHERE is_called")
    return count


async def append(chat: UserChats, conversation_id: UUID) -> None:
    await chat.messages.append(conversation_id, MessageCreate(role="user", content="Hi"))


async def rewind(chat: UserChats, conversation_id: UUID) -> None:
    await chat.messages.rewind(conversation_id, 0)


OPERATIONS = pytest.mark.parametrize("operation", [append, rewind])


@OPERATIONS
@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
async def test_what_the_server_says_did_not_happen_is_tried_again(
    chat: UserChats,
    conversation_id: UUID,
    operator: "asyncpg.Connection",
    operation: Callable[[UserChats, UUID], Awaitable[None]],
    sqlstate: str,
) -> None:
    await fail(operator, 2, sqlstate)

    await operation(chat, conversation_id)

    assert await attempts(operator) == 3


@OPERATIONS
async def test_nothing_is_tried_more_than_three_times(
    chat: UserChats,
    conversation_id: UUID,
    operator: "asyncpg.Connection",
    operation: Callable[[UserChats, UUID], Awaitable[None]],
) -> None:
    await fail(operator, AGAIN_AND_AGAIN, "40001")

    with pytest.raises(StoreUnavailable) as caught:
        await operation(chat, conversation_id)

    assert caught.value.sqlstate == "40001"
    assert await attempts(operator) == 3


@pytest.mark.parametrize(
    ("sqlstate", "after", "error"), [("22012", 0, DatabaseFailure), ("40001", 5, StoreUnavailable)]
)
async def test_what_would_fail_again_or_took_its_whole_time_is_not_tried_again(
    chat: UserChats,
    conversation_id: UUID,
    operator: "asyncpg.Connection",
    sqlstate: str,
    after: float,
    error: type[ChatPersistenceError],
) -> None:
    await fail(operator, AGAIN_AND_AGAIN, sqlstate, after)

    with pytest.raises(error):
        await append(chat, conversation_id)

    assert await attempts(operator) == 1


async def test_a_unit_of_work_is_tried_again_by_nobody_but_its_caller(
    store: ChatStore, user_id: str, conversation_id: UUID, operator: "asyncpg.Connection"
) -> None:
    await fail(operator, 1, "40P01")

    with pytest.raises(StoreUnavailable) as caught:
        async with store.unit_of_work(user_id) as work:
            await work.messages.append(conversation_id, MessageCreate(role="user", content="Hi"))

    assert caught.value.retryable
    assert await attempts(operator) == 1


async def test_a_connection_that_broke_off_while_it_was_made_is_made_again(database: str, user_id: str) -> None:
    relay = Relay(database)
    relay.cut_next()
    async with relay.listening() as url, ChatStore(url) as store:
        conversation = await store.for_user(user_id).conversations.create()
        await rewind(store.for_user(user_id), conversation.id)

    assert (relay.cuts, relay.connections) == (1, 2)
