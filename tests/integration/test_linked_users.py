"""Conversations that are linked to a host's users: everything works as before, and nobody's are refused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ConversationNotFound,
    MessageCreate,
    UnitOfWorkFailed,
    UserNotFound,
    user_links,
)
from chat_persistence.connection import make_engine, read_url
from tests.servers import new_searchable_database
from tests.twins import CALLS, agree


def hi() -> MessageCreate:
    return MessageCreate(role="user", content="Hi")


ACTS: dict[str, Callable[[ChatStore, str], Awaitable[Any]]] = {
    "create": lambda store, user: store.for_user(user).conversations.create(),
    "append": lambda store, user: store.for_user(user).messages.append(uuid4(), hi(), create_conversation=True),
    "load": lambda store, user: store.load([ConversationLoad(user_id=user, id=uuid4(), messages=[hi()])]),
}


@pytest.fixture(scope="module", params=["text", "uuid"])
async def linked(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[str]:
    """The URL of a database whose users, of one of the types, are linked."""
    async with new_searchable_database(database_url) as url:
        engine = make_engine(read_url(url))
        async with engine.connect() as connection:
            await connection.exec_driver_sql(f"CREATE TABLE users (id {request.param} PRIMARY KEY)")
        await user_links.link(engine, "users")
        await engine.dispose()
        yield url


@pytest.fixture
async def users(linked: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the host's own."""
    connection = await asyncpg.connect(linked)
    yield connection
    await connection.close()


@pytest.fixture
async def linked_store(linked: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(linked) as store:
        yield store


@pytest.fixture
async def user(users: asyncpg.Connection) -> str:
    """The id of a user of the host's."""
    id = str(uuid4())
    await users.execute(f"INSERT INTO users VALUES ('{id}')")  # noqa: S608
    return id


@pytest.mark.parametrize("name", CALLS)
async def test_every_call_tells_and_leaves_what_it_did_without_the_link(
    linked_store: ChatStore, store: ChatStore, user: str, name: str
) -> None:
    assert await agree([linked_store, store], user, name)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("nobody", ["00000000-0000-4000-8000-000000000000", "no uuid"])
async def test_a_user_who_is_not_there_is_named_as_a_fact(linked_store: ChatStore, act: str, nobody: str) -> None:
    with pytest.raises(UserNotFound) as caught:
        await ACTS[act](linked_store, nobody)

    assert caught.value.user_id == nobody
    assert nobody not in str(caught.value) + repr(caught.value)
    assert not caught.value.retryable
    assert nobody not in await linked_store.users()


async def test_an_append_that_creates_nothing_misses_the_conversation(linked_store: ChatStore) -> None:
    with pytest.raises(ConversationNotFound):
        await linked_store.for_user("nobody").messages.append(uuid4(), hi())


async def test_of_a_load_those_before_are_stored(linked_store: ChatStore, user: str) -> None:
    nobody = str(uuid4())
    batch = [ConversationLoad(user_id=each, id=uuid4(), messages=[hi()]) for each in (user, user, nobody, user)]
    with pytest.raises(UserNotFound) as caught:
        await linked_store.load(batch)

    assert caught.value.user_id == nobody
    assert len((await linked_store.for_user(user).conversations.page()).items) >= 2
    assert (await linked_store.for_user(nobody).conversations.page()).items == []


async def test_in_a_unit_of_work_it_fails_the_unit(linked_store: ChatStore) -> None:
    with pytest.raises(UnitOfWorkFailed):
        async with linked_store.unit_of_work(str(uuid4())) as work:
            with pytest.raises(UserNotFound):
                await work.conversations.create()


async def test_a_user_and_a_conversation_can_be_made_in_one_unit(linked_store: ChatStore) -> None:
    user = str(uuid4())
    async with linked_store.unit_of_work(user) as work:
        connection = await work.session.connection()
        await connection.exec_driver_sql(f"INSERT INTO users VALUES ('{user}')")  # noqa: S608
        conversation = await work.conversations.create()

    assert await linked_store.for_user(user).conversations.get(conversation.id) == conversation


async def test_who_is_deleted_meanwhile_has_no_conversation_made(
    linked_store: ChatStore, users: asyncpg.Connection, user: str
) -> None:
    """The append waits for the host's transaction, and sees what came of it."""
    async with users.transaction():
        await users.execute(f"DELETE FROM users WHERE id = '{user}'")  # noqa: S608
        appending = asyncio.ensure_future(ACTS["append"](linked_store, user))
        await asyncio.sleep(0.2)
    with pytest.raises(UserNotFound):
        await appending


async def test_who_is_deleted_takes_the_messages_along(
    linked_store: ChatStore, users: asyncpg.Connection, user: str
) -> None:
    for _ in range(3):
        await ACTS["append"](linked_store, user)
    await users.execute(f"DELETE FROM users WHERE id = '{user}'")  # noqa: S608

    for table in ("conversations", "messages"):
        assert await users.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", user) == 0  # noqa: S608


async def test_a_load_that_tells_whose_user_is_missing_stores_all_others(linked_store: ChatStore, user: str) -> None:
    told: list[tuple[int, type[Exception]]] = []

    progress = await linked_store.load(
        [ConversationLoad(user_id=each, id=uuid4(), messages=[hi()]) for each in ("no uuid", user, str(uuid4()))],
        on_refused=lambda index, error: told.append((index, type(error))),
    )

    assert (progress.conversations_stored, told) == (1, [(0, UserNotFound), (2, UserNotFound)])
