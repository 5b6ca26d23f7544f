"""The second wall: PostgreSQL itself keeps users apart, and a store names the user of every transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from chat_persistence import (
    ChatStore,
    ConfigurationError,
    Conversation,
    ConversationLoad,
    ConversationNotFound,
    InsufficientPrivilege,
    MessageCreate,
    MessageLoad,
    OutcomeUnknown,
    SchemaMismatch,
    StoreUnavailable,
    UserChats,
)
from chat_persistence.compilation import Compilation, Statement
from chat_persistence.selftest.relay import Relay
from tests.integration.test_query_plans import ARGUMENTS, OWNED
from tests.roles import Walled, as_role, engine_as, new_role, new_walled_database

COMMIT = b"COMMIT\0"
"""As it is on the wire: BEGIN says READ COMMITTED."""

USER = "SELECT current_setting('chat_persistence.user_id', true)"


@pytest.fixture(scope="module")
async def walled(database_url: str) -> AsyncIterator[Walled]:
    async with new_walled_database(database_url) as walled:
        yield walled


@pytest.fixture(scope="module")
async def empty(database_url: str) -> AsyncIterator[Walled]:
    async with new_walled_database(database_url) as empty:
        yield empty


@pytest.fixture(scope="module")
async def store(walled: Walled) -> AsyncIterator[ChatStore]:
    """A store in the application's role; of one connection, so that each call finds what the last one left."""
    async with ChatStore(walled.application, row_level_security=True, pool_size=1) as store:
        yield store


@pytest.fixture
async def host_engine(walled: Walled) -> AsyncIterator[AsyncEngine]:
    engine = engine_as(walled.owner, walled.application_role)
    yield engine
    await engine.dispose()


def message(content: str = "Hi") -> MessageCreate:
    return MessageCreate(role="user", content=content)


class TestAUsersOwnWork:
    """All that a chatbot does for its user is done as without the wall."""

    async def test_conversations_are_created_changed_listed_and_deleted(self, chat: UserChats) -> None:
        conversation = await chat.conversations.create(title="Rome")
        again = await chat.conversations.create(id=conversation.id)
        await chat.conversations.rename(conversation.id, "Paris")
        await chat.conversations.archive(conversation.id)
        listed = (await chat.conversations.page(archived=True)).items
        await chat.conversations.delete(conversation.id)

        assert again == conversation
        assert [item.title for item in listed] == ["Paris"]
        with pytest.raises(ConversationNotFound):
            await chat.conversations.get(conversation.id)

    async def test_messages_are_appended_once_and_read(self, chat: UserChats) -> None:
        first, second = message("first"), message("second")
        id = uuid4()
        await chat.messages.append(id, first, create_conversation=True)
        await chat.messages.append(id, second)
        stored = await chat.messages.append(id, second)

        assert [each.content for each in await chat.messages.last(id)] == ["first", "second"]
        assert [each async for each in chat.messages.iterate(id)][1:] == stored
        assert (await chat.messages.get(second.id)).position == 2
        assert len((await chat.conversations.get_with_messages(id)).messages) == 2

    async def test_two_equal_sends_at_once_store_one(self, walled: Walled, user_id: str) -> None:
        async with ChatStore(walled.application, row_level_security=True) as store:
            chat = store.for_user(user_id)
            conversation = await chat.conversations.create()
            same = message()
            answers = await asyncio.gather(*[chat.messages.append(conversation.id, same) for _ in range(20)])

            assert all(answer == answers[0] for answer in answers)
            assert len(await chat.messages.last(conversation.id)) == 1

    async def test_a_deleted_conversation_takes_its_messages_along(
        self, walled: Walled, chat: UserChats, user_id: str
    ) -> None:
        id = uuid4()
        await chat.messages.append(id, message(), create_conversation=True)
        await chat.conversations.delete(id)
        await chat.messages.append(uuid4(), message(), create_conversation=True)

        assert await chat.erase() == 1
        connection = await asyncpg.connect(walled.owner)
        assert await connection.fetchval("SELECT count(*) FROM messages WHERE user_id = $1", user_id) == 0
        await connection.close()

    @pytest.mark.parametrize("append_only", [False, True])
    async def test_replies_are_received_recovered_and_discarded(
        self, database_url: str, user_id: str, append_only: bool
    ) -> None:
        async with (
            new_walled_database(database_url, append_only=append_only) as walled,
            ChatStore(walled.application, row_level_security=True) as store,
        ):
            chat = store.for_user(user_id)
            conversation = await chat.conversations.create()
            for end in ("finish", "abort", "discard"):
                draft = await chat.drafts.begin(conversation.id, flush_seconds=3_600).__aenter__()
                for part in ("A", " train"):
                    await draft.write(part)
                    await draft.flush()
                assert (await store.for_user("eve").drafts.page(conversation.id)).items == []
                await getattr(chat.drafts, end)(conversation.id, draft.id)
            async with chat.drafts.begin(conversation.id) as reply:
                await reply.write("A train")

            assert [each.content for each in await chat.messages.last(conversation.id)] == ["A train"] * 3
            assert (await chat.drafts.page(conversation.id)).items == []

    async def test_somebody_elses_conversation_is_as_absent_as_ever(self, store: ChatStore, chat: UserChats) -> None:
        conversation = await chat.conversations.create()
        stranger = store.for_user("a stranger")

        assert await stranger.messages.last(conversation.id) == []
        with pytest.raises(ConversationNotFound):
            await stranger.messages.append(conversation.id, message())

    async def test_a_unit_of_work_is_one_users_the_hosts_own_statements_included(
        self, store: ChatStore, user_id: str
    ) -> None:
        async with store.unit_of_work(user_id) as work:
            before = (await work.session.scalars(select(Conversation.user_id))).all()
            await work.conversations.create()
            after = (await work.session.scalars(select(Conversation.user_id))).all()

        assert (before, after) == ([], [user_id])


@pytest.fixture
def chat(store: ChatStore, user_id: str) -> UserChats:
    return store.for_user(user_id)


class TestAForgottenUser:
    """Without one, what would have been hidden is an error, and never an empty answer."""

    async def test_a_store_that_names_none_is_told_how_to(self, walled: Walled) -> None:
        async with ChatStore(walled.application) as forgetful:
            with pytest.raises(InsufficientPrivilege, match="row_level_security=True") as caught:
                await forgetful.for_user("ada").conversations.page()
            with pytest.raises(InsufficientPrivilege):
                async with forgetful.unit_of_work("ada") as work:
                    await work.conversations.page()

        assert (caught.value.sqlstate, caught.value.retryable) == ("42704", False)

    # A store that names its user searches by a walk: without an index, the other way reads no table.
    @pytest.mark.parametrize("name", sorted(OWNED.keys() - {"searching.by_index"}))
    async def test_no_statement_is_answered_not_even_on_empty_tables(self, empty: Walled, name: str) -> None:
        connection = await asyncpg.connect(empty.application)
        for _ in range(2):
            with pytest.raises((asyncpg.UndefinedObjectError, asyncpg.InsufficientPrivilegeError)):
                await run(connection, OWNED[name])
            # From now on the setting is there, and empty.
            async with connection.transaction():
                await connection.execute("SELECT set_config('chat_persistence.user_id', 'ada', true)")
        await connection.close()

    async def test_a_statement_that_was_planned_with_a_user_is_not_answered_without(self, walled: Walled) -> None:
        connection = await asyncpg.connect(walled.application)
        async with connection.transaction():
            await connection.execute("SELECT set_config('chat_persistence.user_id', 'ada', true)")
            for _ in range(10):
                await run(connection, OWNED["messages.last"])

        with pytest.raises(asyncpg.UndefinedObjectError):
            await run(connection, OWNED["messages.last"])
        await connection.close()

    async def test_the_name_that_the_error_quotes_cannot_be_set(self, walled: Walled) -> None:
        connection = await asyncpg.connect(walled.application)
        with pytest.raises(asyncpg.InvalidNameError):
            await connection.execute("SELECT set_config('chat_persistence.user_id is not set', 'ada', false)")
        await connection.close()

    async def test_the_setting_ends_with_every_transaction(self, host_engine: AsyncEngine, user_id: str) -> None:
        """On the same connection, after a success and after a refusal."""
        async with ChatStore(engine=host_engine, row_level_security=True) as store:
            chat = store.for_user(user_id)
            conversation = await chat.conversations.create()
            after_success = await left_on(host_engine)
            with pytest.raises(InsufficientPrivilege):
                await chat.messages.rewind(conversation.id, 0)
            after_refusal = await left_on(host_engine)

        assert after_success == after_refusal == ("", False)


@pytest.fixture
def other_id() -> str:
    return f"eve-{uuid4()}"


async def left_on(engine: AsyncEngine) -> tuple[str | None, bool]:
    """Return the user that is set on the engine's connection, and whether a transaction was open on it."""
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        was_in_transaction = driver.is_in_transaction()
        return await connection.scalar(text(USER)), was_in_transaction


async def run(connection: asyncpg.Connection, statement: Statement) -> Any:
    compiled = Compilation(create_async_engine("postgresql+asyncpg://").dialect, None)[statement]
    arguments = {name: ARGUMENTS[name] for name in compiled.names if name in ARGUMENTS}
    return await connection.fetch(compiled.sql, *compiled.arguments(arguments))


class TestTheMaintenanceRole:
    """What the application may not do, and who may."""

    async def test_the_application_cannot_rewind_list_users_or_load(self, store: ChatStore, chat: UserChats) -> None:
        conversation = await chat.conversations.create()
        loaded = ConversationLoad(id=uuid4(), user_id="ada", messages=[MessageLoad(role="user", content="Hi")])
        for call in (chat.messages.rewind(conversation.id, 0), store.users(), store.load([loaded])):
            with pytest.raises(InsufficientPrivilege, match="maintenance role"):
                await call

    async def test_a_load_is_refused_to_the_maintenance_role_too(self, walled: Walled) -> None:
        """COPY is for whom no policy binds, not even one that lets everything through."""
        loaded = ConversationLoad(id=uuid4(), user_id="ada", messages=[MessageLoad(role="user", content="Hi")])
        async with ChatStore(walled.maintenance) as maintenance:
            with pytest.raises(InsufficientPrivilege, match="BYPASSRLS"):
                await maintenance.load([loaded])

    async def test_the_maintenance_role_rewinds_erases_and_lists_users(
        self, walled: Walled, chat: UserChats, user_id: str
    ) -> None:
        id = uuid4()
        await chat.messages.append(id, message("first"), message("second"), create_conversation=True)
        async with ChatStore(walled.maintenance) as maintenance:
            theirs = maintenance.for_user(user_id)
            rewound = await theirs.messages.rewind(id, 1)
            users = await maintenance.users()
            erased = await theirs.erase()

        assert (rewound.message_count, erased) == (1, 1)
        assert user_id in users

    async def test_the_maintenance_role_finds_and_ends_the_replies_of_dead_processes(
        self, walled: Walled, chat: UserChats, user_id: str
    ) -> None:
        conversation = await chat.conversations.create()
        dead = await chat.drafts.begin(conversation.id, flush_seconds=3_600).__aenter__()
        await dead.write("A train")
        await dead.flush()
        async with ChatStore(walled.maintenance) as maintenance:
            found = [draft async for draft in maintenance.drafts(quiet_seconds=0.001) if draft.user_id == user_id]
            message = await maintenance.for_user(user_id).drafts.abort(conversation.id, found[0].id)

        assert [draft.id for draft in found] == [dead.id] == [message.id]
        assert await chat.messages.last(conversation.id) == [message]

    async def test_an_operator_may_let_users_rewind_what_is_theirs(self, database_url: str, user_id: str) -> None:
        async with new_walled_database(database_url) as walled:
            await execute(walled.owner, f"GRANT DELETE ON messages TO {walled.application_role}")
            async with ChatStore(walled.application, row_level_security=True) as store:
                id = uuid4()
                await store.for_user(user_id).messages.append(id, message(), message(), create_conversation=True)
                with pytest.raises(ConversationNotFound):
                    await store.for_user("eve").messages.rewind(id, 0)

                assert (await store.for_user(user_id).messages.rewind(id, 1)).message_count == 1


class TestStartingUp:
    """What the policies do not bind is refused before the first operation, and by `check`."""

    async def test_a_bound_role_is_what_check_asks_for(self, store: ChatStore) -> None:
        await store.check()

    async def test_a_superuser_is_refused(self, walled: Walled) -> None:
        await refused(walled.owner, "superuser")

    async def test_a_role_with_bypassrls_is_refused(self, walled: Walled) -> None:
        async with new_role(walled.owner, f"BYPASSRLS IN ROLE {walled.application_role}") as role:
            await refused(as_role(walled.owner, role), "BYPASSRLS")

    async def test_the_owner_and_its_members_are_refused(self, walled: Walled) -> None:
        async with new_role(walled.owner) as owner, new_role(walled.owner, f"IN ROLE {owner}") as member:
            await own(walled, owner)
            for role in (owner, member):
                await refused(as_role(walled.owner, role), "owns the tables")
            await own(walled, "CURRENT_USER")

    async def test_the_maintenance_role_is_refused(self, walled: Walled) -> None:
        await refused(walled.maintenance, "another policy")

    @pytest.mark.parametrize("table", ["conversations", "messages"])
    @pytest.mark.parametrize(
        "change",
        [
            "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE {} NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY chat_persistence_user ON {}",
        ],
    )
    async def test_tables_that_are_not_under_it_are_refused(self, database_url: str, table: str, change: str) -> None:
        async with new_walled_database(database_url) as walled:
            await execute(walled.owner, change.format(table))
            await refused(walled.application, "row-level-security enable")

    async def test_a_policy_that_opens_a_table_to_everybody_is_refused(self, database_url: str) -> None:
        async with new_walled_database(database_url) as walled:
            await execute(walled.owner, "CREATE POLICY hosts_own ON messages USING (true)")
            await refused(walled.application, "another policy")

    async def test_policies_that_open_nothing_of_ours_are_the_hosts_own(self, database_url: str) -> None:
        """One that closes more, one on a table of the host's, and one for somebody else."""
        async with new_walled_database(database_url) as walled, new_role(walled.owner) as other:
            await execute(walled.owner, "CREATE POLICY closing ON messages AS RESTRICTIVE USING (role = 'user')")
            await execute(walled.owner, "CREATE TABLE tasks (); CREATE POLICY hosts_own ON tasks USING (true)")
            await execute(walled.owner, f"CREATE POLICY theirs ON messages TO {other} USING (true)")
            async with ChatStore(walled.application, row_level_security=True) as store:
                await store.check()

    async def test_tables_that_are_missing_name_the_command_to_run(
        self, database_url: str, empty_database: str
    ) -> None:
        async with (
            new_role(database_url) as role,
            ChatStore(as_role(empty_database, role), row_level_security=True) as store,
        ):
            with pytest.raises(SchemaMismatch):
                await store.for_user("ada").conversations.page()

    async def test_a_refusal_is_asked_for_again(self, database_url: str) -> None:
        """Once somebody has mended the database, the store works."""
        async with new_walled_database(database_url) as walled:
            await execute(walled.owner, "ALTER TABLE messages NO FORCE ROW LEVEL SECURITY")
            async with ChatStore(walled.application, row_level_security=True) as store:
                with pytest.raises(ConfigurationError):
                    await store.for_user("ada").conversations.page()
                await execute(walled.owner, "ALTER TABLE messages FORCE ROW LEVEL SECURITY")
                await store.for_user("ada").conversations.page()


async def refused(url: str, reason: str) -> None:
    async with ChatStore(url, row_level_security=True) as store:
        with pytest.raises(ConfigurationError, match=reason):
            await store.for_user("ada").conversations.create()
        with pytest.raises(ConfigurationError, match=reason):
            async with store.unit_of_work("ada"):
                pass
        with pytest.raises(ConfigurationError, match=reason):
            await store.check()


async def own(walled: Walled, role: str) -> None:
    for table in ("conversations", "messages", "chat_persistence_version"):
        await execute(walled.owner, f"ALTER TABLE {table} OWNER TO {role}")


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


class TestOnAHostsEngine:
    """A session that was given takes the setting into its own transaction."""

    async def test_single_operations_and_units_of_work_are_the_users(
        self, host_engine: AsyncEngine, user_id: str
    ) -> None:
        async with ChatStore(engine=host_engine, row_level_security=True) as store:
            conversation = await store.for_user(user_id).conversations.create()
            async with store.unit_of_work(user_id) as work:
                await work.messages.append(conversation.id, message())

            assert len(await store.for_user(user_id).messages.last(conversation.id)) == 1

    async def test_two_users_in_one_transaction_are_kept_apart(
        self, host_engine: AsyncEngine, user_id: str, other_id: str
    ) -> None:
        """One after the other, and one inside the other."""
        async with (
            ChatStore(engine=host_engine, row_level_security=True) as store,
            AsyncSession(host_engine) as session,
        ):
            async with store.unit_of_work(user_id, session=session) as mine:
                first = await mine.conversations.create()
                async with store.unit_of_work(other_id, session=session) as theirs:
                    await theirs.conversations.create()
                    assert (await mine.conversations.page()).items == [first]
                    assert [item.user_id for item in (await theirs.conversations.page()).items] == [other_id]
                await mine.conversations.create()
            await session.commit()

            assert len((await store.for_user(user_id).conversations.page()).items) == 2

    async def test_a_savepoint_that_is_rolled_back_takes_no_user_along(
        self, host_engine: AsyncEngine, user_id: str, other_id: str
    ) -> None:
        async with (
            ChatStore(engine=host_engine, row_level_security=True) as store,
            AsyncSession(host_engine) as session,
        ):
            async with store.unit_of_work(user_id, session=session) as mine:
                savepoint = await session.begin_nested()
                async with store.unit_of_work(other_id, session=session) as theirs:
                    await theirs.conversations.create()
                await savepoint.rollback()
                await mine.conversations.create()
            user = await session.scalar(text(USER))
            await session.commit()

            assert user == user_id
            assert (await store.for_user(other_id).conversations.page()).items == []

    async def test_after_the_hosts_own_commit_the_user_is_named_again(
        self, host_engine: AsyncEngine, user_id: str
    ) -> None:
        async with (
            ChatStore(engine=host_engine, row_level_security=True) as store,
            AsyncSession(host_engine) as session,
        ):
            work = store.unit_of_work(user_id, session=session)
            async with work:
                first = await work.conversations.create()
                await session.commit()

                assert (await work.conversations.page()).items == [first]


@asynccontextmanager
async def relayed(walled: Walled, **options: Any) -> AsyncIterator[tuple[ChatStore, Relay]]:
    """A store whose only connection leads through a relay, which sees the words of every statement."""
    relay = Relay(walled.application)
    options |= {"row_level_security": True, "profile": "pgbouncer", "pool_size": 1}
    async with relay.listening() as url, ChatStore(url, **options) as store:
        yield store, relay


class TestWhenThingsGoWrong:
    """A transaction of three steps is as safe to repeat, to cancel and to cut as one statement is."""

    @pytest.mark.parametrize("words", [b"BEGIN", b"set_config", b"INSERT INTO messages", COMMIT])
    async def test_an_append_whose_line_is_cut_is_stored_once(self, walled: Walled, user_id: str, words: bytes) -> None:
        async with relayed(walled) as (store, relay):
            chat = store.for_user(user_id)
            conversation = await chat.conversations.create()
            relay.cut_next(words)
            await chat.messages.append(conversation.id, message())

            assert relay.cuts == 1
            assert len(await chat.messages.last(conversation.id)) == 1

    @pytest.mark.parametrize("words", [b"set_config", b"DELETE FROM conversations", COMMIT])
    async def test_a_delete_whose_line_is_cut_is_done(self, walled: Walled, user_id: str, words: bytes) -> None:
        async with relayed(walled) as (store, relay):
            chat = store.for_user(user_id)
            conversation = await chat.conversations.create()
            relay.cut_next(words)
            await chat.conversations.delete(conversation.id)

            assert relay.cuts == 1
            assert (await chat.conversations.page()).items == []

    async def test_a_rewind_happened_surely_not_before_its_commit_was_sent(
        self, database_url: str, user_id: str
    ) -> None:
        async with new_walled_database(database_url) as walled, relayed(walled) as (store, relay):
            await execute(walled.owner, f"GRANT DELETE ON messages TO {walled.application_role}")
            chat, id = store.for_user(user_id), uuid4()
            await chat.messages.append(id, message(), message(), message(), create_conversation=True)
            relay.cut_next(b"DELETE FROM messages")
            rewound = await chat.messages.rewind(id, 2)
            relay.cut_next(COMMIT)
            with pytest.raises(OutcomeUnknown):
                await chat.messages.rewind(id, 1)

        assert (rewound.message_count, relay.cuts) == (2, 2)

    async def test_a_write_settles_after_its_caller_was_cancelled(self, chat: UserChats) -> None:
        conversation = await chat.conversations.create()
        for after in range(20):
            call = asyncio.create_task(chat.messages.append(conversation.id, message(), message()))
            await asyncio.sleep(after / 5000)
            call.cancel()
        await asyncio.sleep(0.2)

        messages = await chat.messages.last(conversation.id, 100)
        assert len(messages) % 2 == 0
        assert [each.position for each in messages] == list(range(1, len(messages) + 1))

    async def test_a_statement_that_takes_too_long_leaves_nothing_behind(self, walled: Walled, user_id: str) -> None:
        options: dict[str, Any] = {"row_level_security": True, "pool_size": 1, "command_timeout": 0.3}
        async with ChatStore(walled.application, **options) as store, ChatStore(walled.maintenance) as other:
            chat = store.for_user(user_id)
            conversation = await chat.conversations.create()
            async with other.unit_of_work(user_id) as holding:
                await holding.conversations.rename(conversation.id, "held")
                with pytest.raises(StoreUnavailable):
                    await chat.conversations.rename(conversation.id, "late")

            assert (await chat.conversations.get(conversation.id)).title == "held"
