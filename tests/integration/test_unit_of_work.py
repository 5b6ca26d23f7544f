"""Several operations in one transaction."""

import asyncio
import contextlib
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chat_persistence import (
    Base,
    ChatPersistenceError,
    ChatStore,
    ConcurrentAppend,
    Conversation,
    ConversationNotFound,
    ConversationRead,
    MessageCreate,
    OutcomeUnknown,
    SchemaMismatch,
    StoreUnavailable,
    UnitOfWorkClosed,
    UnitOfWorkFailed,
    UserChats,
)
from chat_persistence.selftest.relay import Relay


def user(content: str) -> MessageCreate:
    return MessageCreate(role="user", content=content)


async def test_a_unit_of_work_commits_when_its_block_ends(store: ChatStore, chat: UserChats, user_id: str) -> None:
    async with store.unit_of_work(user_id) as work:
        conversation = await work.conversations.create(title="Rome")
        stored = await work.messages.append(conversation.id, user("Hi"))
        with pytest.raises(ConversationNotFound):
            await chat.conversations.get(conversation.id)

    assert await chat.messages.last(conversation.id) == stored


async def test_a_unit_of_work_rolls_back_on_an_error(store: ChatStore, chat: UserChats, user_id: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.unit_of_work(user_id) as work:
            await work.conversations.create()
            raise ZeroDivisionError

    assert (await chat.conversations.page()).items == []


async def test_a_users_chats_give_a_unit_of_work_of_that_user(chat: UserChats) -> None:
    async with chat.unit_of_work() as work:
        conversation = await work.conversations.create()
        await work.messages.append(conversation.id, user("Hi"))
        with pytest.raises(ConversationNotFound):
            await chat.conversations.get(conversation.id)

    assert (await chat.conversations.get(conversation.id)).last_position == 1


async def test_the_hosts_own_rows_are_committed_with_the_chats(store: ChatStore, chat: UserChats, user_id: str) -> None:
    async with store.unit_of_work(user_id) as work:
        work.session.add(Conversation(user_id=user_id, id=uuid4(), title="by hand"))
        await work.session.flush()
        (read,) = (await work.conversations.page()).items
        (row,) = (await work.session.scalars(select(Conversation).where(Conversation.user_id == user_id))).all()
        assert (row.id, row.metadata_) == (read.id, {})

    assert (await chat.conversations.page()).items == [read]


async def test_a_row_of_the_hosts_can_be_read_when_its_unit_of_work_has_ended(store: ChatStore, user_id: str) -> None:
    async with store.unit_of_work(user_id) as work:
        row = Conversation(user_id=user_id, id=uuid4(), title="by hand")
        work.session.add(row)

    assert row.title == "by hand"


async def test_a_unit_of_work_that_was_rolled_back_is_closed(store: ChatStore, user_id: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.unit_of_work(user_id) as work:
            raise ZeroDivisionError

    with pytest.raises(UnitOfWorkClosed):
        await work.conversations.create()


async def test_what_a_unit_of_work_had_locked_is_free_when_its_block_was_left(
    migrated_database: str, user_id: str, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    relay = Relay(migrated_database, delay=0.1)
    async with relay.listening() as url, ChatStore(url) as store:
        with pytest.raises(ZeroDivisionError):
            async with store.unit_of_work(user_id) as work:
                await work.messages.append(conversation.id, user("Hi"))
                raise ZeroDivisionError

        await connection.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE NOWAIT", conversation.id)


async def test_a_unit_of_work_is_used_once_and_only_inside_its_block(store: ChatStore, user_id: str) -> None:
    work = store.unit_of_work(user_id)
    with pytest.raises(UnitOfWorkClosed):
        await work.conversations.create()
    async with work:
        conversation = await work.conversations.create()

    with pytest.raises(UnitOfWorkClosed):
        await work.conversations.get(conversation.id)
    with pytest.raises(UnitOfWorkClosed):
        work.session.expire_all()
    with pytest.raises(UnitOfWorkClosed):
        await work.__aenter__()


async def test_refusals_that_send_no_error_leave_the_unit_usable(
    store: ChatStore, chat: UserChats, user_id: str
) -> None:
    async with store.unit_of_work(user_id) as work:
        with pytest.raises(ConversationNotFound):
            await work.messages.append(uuid4(), user("Hi"))
        conversation = await work.conversations.create()

    assert (await chat.conversations.page()).items == [conversation]


async def test_a_failed_transaction_cannot_be_committed_even_when_the_error_was_swallowed(
    store: ChatStore, chat: UserChats, user_id: str
) -> None:
    with pytest.raises(UnitOfWorkFailed):
        async with store.unit_of_work(user_id) as work:
            await work.conversations.create()
            with pytest.raises(Exception, match="division by zero"):
                await work.session.execute(text("SELECT 1 / 0"))

    assert (await chat.conversations.page()).items == []


async def test_a_unit_that_could_not_reach_the_server_once_cannot_be_committed(
    migrated_database: str, chat: UserChats, user_id: str
) -> None:
    """Else it would be stored without the operation that failed."""
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url) as store:
        with pytest.raises(UnitOfWorkFailed):
            async with store.unit_of_work(user_id) as work:
                relay.cut_next()
                with pytest.raises(StoreUnavailable):
                    await work.conversations.create()
                with contextlib.suppress(UnitOfWorkFailed):
                    await work.conversations.create()

    assert (await chat.conversations.page()).items == []


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize("attempt", ["statement", "flush"])
async def test_a_unit_in_which_the_host_could_not_reach_the_server_once_cannot_be_committed(
    migrated_database: str, chat: UserChats, user_id: str, attempt: str, goes_on: bool
) -> None:
    """Also when its error was swallowed, and what came after it would have been stored."""
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url) as store:
        with pytest.raises(UnitOfWorkFailed):
            async with store.unit_of_work(user_id) as work:
                relay.cut_next()
                with contextlib.suppress(Exception):
                    await _attempt(work.session, attempt, user_id)
                if goes_on:
                    with pytest.raises(UnitOfWorkFailed):
                        await work.conversations.create()

    assert (await chat.conversations.page()).items == []


async def test_the_host_cannot_commit_after_a_statement_of_its_own_did_not_reach_the_server(
    migrated_database: str, chat: UserChats, user_id: str
) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url) as store, store.unit_of_work(user_id) as work:
        relay.cut_next()
        with contextlib.suppress(Exception):
            await work.session.execute(text("SELECT 1"))
        work.session.add(Conversation(user_id=user_id, id=uuid4()))
        with pytest.raises(UnitOfWorkFailed):
            await work.session.commit()
        await work.session.rollback()
        conversation = await work.conversations.create()

    assert (await chat.conversations.page()).items == [conversation]


async def test_a_statement_that_was_refused_costs_its_unit_no_connection(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, pool_size=1) as store:
        async with store.unit_of_work(user_id) as work:
            before = await _pid(work.session)
        with pytest.raises(SchemaMismatch):
            async with store.unit_of_work(user_id) as work:
                await work.session.execute(text("SET LOCAL search_path = nowhere"))
                await work.conversations.create()
        async with store.unit_of_work(user_id) as work:
            assert await _pid(work.session) == before


async def test_a_statement_that_was_not_answered_in_time_costs_its_unit_the_connection(
    migrated_database: str, conversation: ConversationRead, user_id: str, store: ChatStore
) -> None:
    """What it still answers would be taken for the answer to something else."""
    async with ChatStore(migrated_database, pool_size=1, command_timeout=0.2) as impatient:
        async with impatient.unit_of_work(user_id) as work:
            before = await _pid(work.session)
        async with store.unit_of_work(user_id) as holding:
            await holding.conversations.rename(conversation.id, "held")
            with pytest.raises(StoreUnavailable):
                async with impatient.unit_of_work(user_id) as work:
                    await work.conversations.rename(conversation.id, "late")
        async with impatient.unit_of_work(user_id) as work:
            assert await _pid(work.session) != before


async def test_a_commit_that_is_not_answered_in_time_says_why_nobody_knows(
    migrated_database: str, user_id: str
) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url, command_timeout=0.3, connect_timeout=0.3) as store:
        with pytest.raises(OutcomeUnknown, match="did not answer in time"):
            async with store.unit_of_work(user_id) as work:
                await work.conversations.create()
                relay.swallow()
        relay.carry_on()


async def test_a_unit_that_lost_its_connection_says_that_it_has_failed(
    store: ChatStore, user_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnitOfWorkFailed):
        async with store.unit_of_work(user_id) as work:
            await _terminate(store, await _pid(work.session))
            with pytest.raises(StoreUnavailable):
                await work.conversations.create()
            with pytest.raises(UnitOfWorkFailed):
                await work.conversations.create()

    assert caplog.records == []


async def test_an_operation_after_a_failed_statement_says_that_the_unit_has_failed(
    store: ChatStore, user_id: str
) -> None:
    with pytest.raises(UnitOfWorkFailed):
        async with store.unit_of_work(user_id) as work:
            await work.conversations.create()
            with pytest.raises(Exception, match="division by zero"):
                await work.session.execute(text("SELECT 1 / 0"))
            await work.conversations.create()


async def test_a_failed_transaction_that_the_host_ended_by_hand_is_not_taken_for_a_commit(
    store: ChatStore, chat: UserChats, user_id: str
) -> None:
    with pytest.raises(OutcomeUnknown, match="ended by hand"):
        async with store.unit_of_work(user_id) as work:
            await work.conversations.create()
            with pytest.raises(Exception, match="division by zero"):
                await work.session.execute(text("SELECT 1 / 0"))
            await work.session.execute(text("COMMIT"))

    assert (await chat.conversations.page()).items == []


async def test_the_hosts_own_commit_of_the_session_is_one(store: ChatStore, chat: UserChats, user_id: str) -> None:
    async with store.unit_of_work(user_id) as work:
        conversation = await work.conversations.create()
        await work.session.commit()
        await work.session.connection()

    assert (await chat.conversations.page()).items == [conversation]


async def test_after_a_flush_that_failed_the_unit_says_that_it_has_failed(store: ChatStore, user_id: str) -> None:
    with pytest.raises(UnitOfWorkFailed):
        async with store.unit_of_work(user_id) as work:
            conversation = await work.conversations.create()
            work.session.add(Conversation(user_id=user_id, id=conversation.id))
            with pytest.raises(IntegrityError):
                await work.session.flush()
            await work.conversations.create()


async def test_a_unit_whose_connection_was_lost_cannot_be_committed_and_says_so(
    store: ChatStore, chat: UserChats, user_id: str
) -> None:
    with pytest.raises(UnitOfWorkFailed):
        async with store.unit_of_work(user_id) as work:
            await work.conversations.create()
            await _terminate(store, await _pid(work.session))
            with pytest.raises(StoreUnavailable):
                await work.conversations.create()

    assert (await chat.conversations.page()).items == []


async def test_a_savepoint_that_was_rolled_back_is_no_failure(store: ChatStore, chat: UserChats, user_id: str) -> None:
    async with store.unit_of_work(user_id) as work:
        conversation = await work.conversations.create()
        with pytest.raises(IntegrityError):
            async with work.session.begin_nested():
                work.session.add(Conversation(user_id=user_id, id=conversation.id))

    assert (await chat.conversations.page()).items == [conversation]


async def test_the_same_ids_sent_by_another_transaction_meanwhile_are_a_concurrent_append(
    store: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    message = user("Hi")

    async def send() -> None:
        async with store.unit_of_work(user_id) as second:
            await second.messages.append(conversation.id, message)

    async with store.unit_of_work(user_id) as first:
        stored = await first.messages.append(conversation.id, message)
        sending = asyncio.create_task(send())
        await asyncio.sleep(0.2)

    with pytest.raises(ConcurrentAppend) as caught:
        await sending
    assert caught.value.retryable
    await send()
    assert await chat.messages.last(conversation.id) == stored


async def test_operations_of_one_unit_that_are_awaited_at_once_run_one_after_another(
    store: ChatStore, user_id: str, chat: UserChats, conversation: ConversationRead
) -> None:
    async with store.unit_of_work(user_id) as work:
        await asyncio.gather(*[work.messages.append(conversation.id, user(str(n))) for n in range(10)])

    positions = [message.position for message in await chat.messages.last(conversation.id)]
    assert positions == list(range(1, 11))


async def test_a_constraint_that_fails_in_the_flush_is_an_error_of_ours(
    store: ChatStore, user_id: str, conversation: ConversationRead
) -> None:
    with pytest.raises(ChatPersistenceError) as caught:
        async with store.unit_of_work(user_id) as work:
            work.session.add(Conversation(user_id=user_id, id=conversation.id))

    assert getattr(caught.value, "sqlstate", None) == "23505"
    assert user_id not in str(caught.value)


async def test_a_connection_lost_before_the_commit_stores_nothing_and_says_so(
    store: ChatStore, chat: UserChats, user_id: str
) -> None:
    with pytest.raises(OutcomeUnknown):
        async with store.unit_of_work(user_id) as work:
            await work.conversations.create()
            await _terminate(store, await _pid(work.session))

    assert (await chat.conversations.page()).items == []


async def _pid(session: AsyncSession) -> int:
    pid: int = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    return pid


async def _terminate(store: ChatStore, pid: int) -> None:
    async with store.unit_of_work("operator") as work:
        await work.session.execute(text(f"SELECT pg_terminate_backend({pid})"))
    await asyncio.sleep(0.05)


class TestInAGivenSession:
    """`unit_of_work(user_id, session=...)`: the host's transaction, engine and commit."""

    async def test_chat_and_host_rows_are_committed_by_the_host(
        self, host_engine: AsyncEngine, store: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        async with AsyncSession(host_engine) as session:
            async with store.unit_of_work(user_id, session=session) as work:
                conversation = await work.conversations.create()
            assert (await chat.conversations.page()).items == []
            await session.commit()

        assert (await chat.conversations.page()).items == [conversation]

    async def test_a_rollback_of_the_host_takes_the_chat_with_it(
        self, host_engine: AsyncEngine, store: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        async with AsyncSession(host_engine) as session:
            async with store.unit_of_work(user_id, session=session) as work:
                await work.conversations.create()
            await session.rollback()

        assert (await chat.conversations.page()).items == []

    @pytest.mark.parametrize("fails", [False, True])
    async def test_it_is_closed_when_its_block_was_left(
        self, host_engine: AsyncEngine, store: ChatStore, user_id: str, fails: bool
    ) -> None:
        async with AsyncSession(host_engine) as session:
            with contextlib.suppress(ZeroDivisionError):
                async with store.unit_of_work(user_id, session=session) as work:
                    await work.conversations.create()
                    _ = 1 // (not fails)

            with pytest.raises(UnitOfWorkClosed):
                await work.conversations.create()

    async def test_a_session_that_knows_engines_by_table_asks_that_of_ours(
        self, host_engine: AsyncEngine, store: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        async with AsyncSession(binds={Base: host_engine}) as session:
            async with store.unit_of_work(user_id, session=session) as work:
                conversation = await work.conversations.create()
            await session.commit()

        assert (await chat.conversations.page()).items == [conversation]

    async def test_the_host_cannot_commit_after_a_statement_of_ours_failed(
        self, host_engine: AsyncEngine, store: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        async with AsyncSession(host_engine) as session:
            async with store.unit_of_work(user_id, session=session) as work:
                await session.execute(text("SET TRANSACTION READ ONLY"))
                with pytest.raises(StoreUnavailable):
                    await work.conversations.create()
            with pytest.raises(UnitOfWorkFailed):
                await session.commit()
            await session.rollback()
            async with store.unit_of_work(user_id, session=session) as work:
                conversation = await work.conversations.create()
            await session.commit()

        assert (await chat.conversations.page()).items == [conversation]


async def _attempt(session: AsyncSession, attempt: str, user_id: str) -> None:
    if attempt == "statement":
        await session.execute(text("SELECT 1"))
    else:
        session.add(Conversation(user_id=user_id, id=uuid4()))
        await session.flush()
