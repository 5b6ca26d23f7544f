"""A cancelled caller leaves at once; what was sent settles, and no connection is lost."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import anyio
import asyncpg
import pytest

from chat_persistence import ChatStore, ConversationRead, MessageCreate, StoreClosed, UserChats
from chat_persistence.selftest.loop_alarms import loop_alarms


def user(content: str) -> MessageCreate:
    return MessageCreate(role="user", content=content)


@pytest.fixture
async def small_store(migrated_database: str) -> AsyncIterator[ChatStore]:
    """A store with one connection, which is warm."""
    async with ChatStore(migrated_database, pool_size=1) as store:
        await store.users(limit=1)
        yield store


@pytest.fixture
async def locked(
    conversation: ConversationRead, migrated_database: str
) -> AsyncIterator[tuple[ConversationRead, asyncio.Event]]:
    """A conversation whose row somebody holds until the event is set."""
    release = asyncio.Event()
    blocker = await asyncpg.connect(migrated_database)
    holding = asyncio.create_task(_hold(blocker, conversation, release))
    await asyncio.sleep(0.05)
    yield conversation, release
    release.set()
    await holding
    await blocker.close()


async def _hold(blocker: asyncpg.Connection, conversation: ConversationRead, release: asyncio.Event) -> None:
    async with blocker.transaction():
        await blocker.execute(
            "SELECT FROM conversations WHERE user_id = $1 AND id = $2 FOR UPDATE",
            conversation.user_id,
            conversation.id,
        )
        await release.wait()


async def _pids(connection: asyncpg.Connection) -> set[int]:
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chat_persistence'"
    )
    return {row["pid"] for row in rows}


async def test_a_cancelled_append_that_was_sent_is_stored(
    chat: UserChats, locked: tuple[ConversationRead, asyncio.Event]
) -> None:
    conversation, release = locked
    appending = asyncio.create_task(chat.messages.append(conversation.id, user("Hi")))
    await asyncio.sleep(0.1)

    appending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(appending, 0.1)
    release.set()

    await _until_stored(chat, conversation, 1)


async def test_an_append_whose_caller_left_before_it_had_a_connection_is_not_sent(
    small_store: ChatStore, user_id: str, locked: tuple[ConversationRead, asyncio.Event]
) -> None:
    conversation, release = locked
    chat = small_store.for_user(user_id)
    first = asyncio.create_task(chat.messages.append(conversation.id, user("first")))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(chat.messages.append(conversation.id, user("second")))
    await asyncio.sleep(0.05)

    second.cancel()
    await asyncio.sleep(0)
    release.set()
    await first

    assert [message.content for message in await chat.messages.last(conversation.id)] == ["first"]


async def test_a_failure_after_its_caller_had_left_is_logged_and_goes_no_further(
    migrated_database: str,
    user_id: str,
    locked: tuple[ConversationRead, asyncio.Event],
    caplog: pytest.LogCaptureFixture,
) -> None:
    conversation, _ = locked
    with loop_alarms() as alarms:
        async with ChatStore(migrated_database, command_timeout=0.3) as store:
            appending = asyncio.create_task(store.for_user(user_id).messages.append(conversation.id, user("Hi")))
            await asyncio.sleep(0.1)
            appending.cancel()
        assert alarms() == 0

    assert "StoreUnavailable after its caller had left: PostgreSQL did not answer in time" in caplog.messages


async def test_the_partial_reply_of_a_client_who_went_away_is_stored(
    chat: UserChats, conversation: ConversationRead
) -> None:
    """A write of a caller who is being cancelled already is meant."""

    async def stream() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await chat.messages.append(conversation.id, user("partial"))
            raise

    streaming = asyncio.create_task(stream())
    await asyncio.sleep(0)
    streaming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await streaming

    assert [message.content for message in await chat.messages.last(conversation.id)] == ["partial"]


async def test_the_partial_reply_is_stored_also_from_a_cancelled_scope_of_anyio(
    chat: UserChats, conversation: ConversationRead
) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.sleep(60)
        finally:
            await chat.messages.append(conversation.id, user("partial"))

    await _until_stored(chat, conversation, 1)


@pytest.mark.parametrize("when", ["before the call", "while it queues"])
async def test_a_scope_of_anyio_means_what_it_called_after_it_was_cancelled(
    small_store: ChatStore, user_id: str, locked: tuple[ConversationRead, asyncio.Event], when: str
) -> None:
    conversation, release = locked
    chat = small_store.for_user(user_id)
    first = asyncio.create_task(chat.messages.append(conversation.id, user("first")))
    await asyncio.sleep(0.05)

    with anyio.CancelScope() as scope:
        if when == "before the call":
            scope.cancel()
        else:
            asyncio.get_running_loop().call_later(0.05, scope.cancel)
        await chat.messages.append(conversation.id, user("second"))
    release.set()
    await first

    stored = [message.content for message in await chat.messages.last(conversation.id)]
    assert stored == (["first", "second"] if when == "before the call" else ["first"])


async def test_the_unit_of_work_of_a_client_who_went_away_is_stored(
    store: ChatStore, chat: UserChats, conversation: ConversationRead, user_id: str
) -> None:
    async def stream() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            async with store.unit_of_work(user_id) as work:
                await work.messages.append(conversation.id, user("partial"))
                await work.conversations.rename(conversation.id, "partial")

    streaming = asyncio.create_task(stream())
    await asyncio.sleep(0)
    streaming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await streaming

    assert (await chat.conversations.get(conversation.id)).title == "partial"
    assert len(await chat.messages.last(conversation.id)) == 1


async def test_a_unit_of_work_in_a_cancelled_scope_of_anyio_is_stored_if_it_is_shielded_and_else_not_at_all(
    store: ChatStore, chat: UserChats, conversation: ConversationRead, user_id: str
) -> None:
    """anyio cancels at every await: only the host can keep its own block whole."""
    for content, shield in (("torn", False), ("whole", True)):
        with anyio.CancelScope() as scope:
            scope.cancel()
            with anyio.CancelScope(shield=shield):
                async with store.unit_of_work(user_id) as work:
                    await work.messages.append(conversation.id, user(content))
                    await work.messages.append(conversation.id, user(content))

    assert [message.content for message in await chat.messages.last(conversation.id)] == ["whole", "whole"]


async def test_many_cancellations_cost_no_connection_and_tear_no_turn(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    await asyncio.gather(*[chat.messages.last(conversation.id) for _ in range(20)])
    before = await _pids(connection)

    async def turn(number: int) -> None:
        await chat.messages.append(conversation.id, user(str(number)), user(str(number)))

    for start in range(0, 600, 10):
        tasks = [asyncio.create_task(turn(number)) for number in range(start, start + 10)]
        await asyncio.sleep(start / 600 * 0.01)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    messages = [message async for message in chat.messages.iterate(conversation.id)]
    contents = [message.content for message in messages]
    assert len(contents) >= 600
    assert contents[::2] == contents[1::2]
    assert await _pids(connection) == before


async def test_a_cancelled_unit_of_work_rolls_back_and_frees_its_connection(
    small_store: ChatStore, user_id: str
) -> None:
    chat = small_store.for_user(user_id)
    conversation_id = uuid4()

    async def work() -> None:
        async with small_store.unit_of_work(user_id) as work:
            await work.conversations.create(id=conversation_id)
            await asyncio.sleep(60)

    working = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(working, 1)

    assert (await chat.conversations.page()).items == []


async def test_a_unit_cancelled_in_the_middle_of_a_step_frees_its_connection_when_the_step_has_settled(
    small_store: ChatStore, user_id: str, locked: tuple[ConversationRead, asyncio.Event]
) -> None:
    conversation, release = locked

    async def work() -> None:
        async with small_store.unit_of_work(user_id) as work:
            await work.messages.append(conversation.id, user("Hi"))

    working = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(working, 0.1)
    release.set()

    assert await small_store.for_user(user_id).messages.last(conversation.id) == []


async def test_closing_lets_what_was_sent_settle(
    migrated_database: str, chat: UserChats, locked: tuple[ConversationRead, asyncio.Event], user_id: str
) -> None:
    conversation, release = locked
    async with ChatStore(migrated_database) as store:
        mine = store.for_user(user_id)
        appending = asyncio.create_task(mine.messages.append(conversation.id, user("Hi")))
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_later(0.2, release.set)

    assert await appending == await chat.messages.last(conversation.id)
    with pytest.raises(StoreClosed):
        await mine.messages.last(conversation.id)
    with pytest.raises(StoreClosed):
        store.for_user(user_id)


async def test_closing_takes_at_most_a_few_seconds_whatever_is_under_way(
    migrated_database: str, locked: tuple[ConversationRead, asyncio.Event], user_id: str
) -> None:
    conversation, _ = locked
    store = ChatStore(migrated_database)
    async with store:
        appending = asyncio.create_task(store.for_user(user_id).messages.append(conversation.id, user("Hi")))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5 + 2):
            await store.aclose()

    with pytest.raises(StoreClosed):
        await appending


async def test_closing_ends_a_unit_of_work_that_its_host_keeps_open(
    migrated_database: str, user_id: str, chat: UserChats
) -> None:
    async with ChatStore(migrated_database) as store:
        with pytest.raises(StoreClosed):
            async with store.unit_of_work(user_id) as work:
                await work.conversations.create()
                await store.aclose()
                await work.conversations.create()

    assert (await chat.conversations.page()).items == []


async def test_closing_tells_a_unit_of_work_that_waits_for_a_connection(migrated_database: str, user_id: str) -> None:
    async def work(store: ChatStore) -> None:
        async with store.unit_of_work(user_id) as work:
            await work.conversations.page()
            await asyncio.sleep(60)

    async with ChatStore(migrated_database, pool_size=1) as store:
        working, waiting = [asyncio.create_task(work(store)) for _ in range(2)]
        await asyncio.sleep(0.1)
        await store.aclose()
        with pytest.raises(StoreClosed):
            await asyncio.wait_for(waiting, 0.5)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def _until_stored(chat: UserChats, conversation: ConversationRead, messages: int) -> None:
    async with asyncio.timeout(5):
        while len(await chat.messages.last(conversation.id)) < messages:
            await asyncio.sleep(0.01)
