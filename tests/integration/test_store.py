"""The door: how a store is opened, joined to a host's engine, and closed."""

import asyncio
import subprocess
import sys
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from chat_persistence import (
    ChatStore,
    ConfigurationError,
    MessageCreate,
    SchemaMismatch,
    StoreClosed,
    StoreUnavailable,
    UnitOfWorkFailed,
    UserChats,
    make_host_engine,
)


def message() -> MessageCreate:
    return MessageCreate(role="user", content="Hi")


def test_without_a_url_the_error_names_the_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(ConfigurationError) as caught:
        ChatStore()

    for way in ("URL", "DATABASE_URL", 'ChatStore("embedded")', "chat-persistence[embedded]"):
        assert way in str(caught.value)


async def test_without_a_url_the_environments_is_taken(monkeypatch: pytest.MonkeyPatch, migrated_database: str) -> None:
    monkeypatch.setenv("DATABASE_URL", migrated_database)

    async with ChatStore() as store:
        await store.check()


def test_a_url_and_an_engine_are_not_taken_together() -> None:
    with pytest.raises(ConfigurationError):
        ChatStore("postgresql://localhost/x", engine=create_async_engine("postgresql+asyncpg://localhost/x"))


async def test_a_store_is_used_inside_its_block_and_once(migrated_database: str) -> None:
    store = ChatStore(migrated_database)
    with pytest.raises(StoreClosed):
        store.for_user("ada")
    async with store:
        await store.users(limit=1)
    await store.aclose()

    with pytest.raises(StoreClosed):
        await store.users()
    with pytest.raises(StoreClosed):
        await store.__aenter__()


async def test_a_database_without_the_tables_names_the_command_to_run(empty_database: str) -> None:
    async with ChatStore(empty_database) as store:
        with pytest.raises(SchemaMismatch) as caught:
            await store.for_user("ada").conversations.create()
        with pytest.raises(SchemaMismatch):
            await store.check()

    assert caught.value.command == "chat-persistence upgrade"


async def test_the_command_to_run_names_the_schema(empty_database: str) -> None:
    async with ChatStore(empty_database, schema="our chats") as store:
        with pytest.raises(SchemaMismatch) as single:
            await store.for_user("ada").conversations.create()
        with pytest.raises(SchemaMismatch) as checked:
            await store.check()
        with pytest.raises(SchemaMismatch) as in_unit:
            async with store.unit_of_work("ada") as work:
                await work.conversations.create()
        engine = make_host_engine(empty_database)
        with pytest.raises(SchemaMismatch) as joined:
            async with AsyncSession(engine) as session, store.unit_of_work("ada", session=session) as work:
                await work.conversations.create()
        await engine.dispose()

    commands = {caught.value.command for caught in (single, checked, in_unit, joined)}
    assert commands == {"chat-persistence upgrade --schema 'our chats'"}


async def test_the_tables_can_live_in_a_schema_of_their_own(empty_database: str) -> None:
    async with ChatStore(empty_database, schema="chat") as store:
        await store.migrate()
        await store.migrate()
        await store.check()
        chat = store.for_user("ada")
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, message())
        async with store.unit_of_work("ada") as work:
            await work.messages.append(conversation.id, message())
        assert len(await chat.messages.last(conversation.id)) == 2

    connection = await asyncpg.connect(empty_database)
    tables = await connection.fetch("SELECT schemaname, tablename FROM pg_tables WHERE schemaname <> 'pg_catalog'")
    await connection.close()
    assert {row["schemaname"] for row in tables} - {"information_schema"} == {"chat"}


async def test_an_unreachable_server_is_a_retryable_error_without_the_password() -> None:
    async with ChatStore("postgresql://ada:hunter2secret@127.0.0.1:1/x") as store:
        with pytest.raises(StoreUnavailable) as caught:
            await store.users()

    assert caught.value.retryable
    assert "hunter2secret" not in repr(caught.value) + str(caught.value) + repr(store)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_dead_idle_connections_are_replaced_without_an_error(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, pool_size=1) as store:
        chat = store.for_user(user_id)
        for _ in range(12):
            await chat.conversations.create()
            await _terminate_all(migrated_database)

        assert len((await chat.conversations.page()).items) == 12


async def test_a_cached_plan_that_fits_no_more_is_replaced_without_an_error(empty_database: str) -> None:
    async with ChatStore(empty_database, pool_size=1) as store:
        await store.migrate()
        chat = store.for_user("ada")
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, message())
        connection = await asyncpg.connect(empty_database)
        await connection.execute("ALTER TABLE messages ALTER token_count TYPE bigint")
        await connection.close()

        assert len(await chat.messages.last(conversation.id)) == 1
        await chat.messages.append(conversation.id, message())


class TestOnAHostsEngine:
    """A given engine is joined, never closed, and left as it was."""

    async def test_what_is_appended_is_stored_although_the_engine_is_not_in_autocommit(
        self, migrated_database: str, chat: UserChats, user_id: str
    ) -> None:
        engine = create_async_engine(migrated_database.replace("postgresql:", "postgresql+asyncpg:"), pool_size=1)
        async with ChatStore(engine=engine) as store:
            mine = store.for_user(user_id)
            conversation = await mine.conversations.create()
            stored = await mine.messages.append(conversation.id, message())
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            level = await connection.scalar(text("SHOW transaction_isolation"))
            assert connection.in_transaction()
        await engine.dispose()

        assert level == "read committed"
        assert await chat.messages.last(conversation.id) == stored

    async def test_the_hosts_transaction_is_not_committed_by_our_calls(
        self, host_engine: AsyncEngine, chat: UserChats, user_id: str
    ) -> None:
        async with ChatStore(engine=host_engine) as store, AsyncSession(host_engine) as session:
            statement = text("INSERT INTO conversations (user_id, id) VALUES (:someone, gen_random_uuid())")
            await session.execute(statement, {"someone": user_id})
            await store.for_user(user_id).conversations.create(title="ours")
            await session.rollback()

        assert [item.title for item in (await chat.conversations.page()).items] == ["ours"]

    async def test_dead_idle_connections_are_replaced_there_too_and_nothing_stays_on_the_pool(
        self, migrated_database: str, user_id: str
    ) -> None:
        engine = create_async_engine(migrated_database.replace("postgresql:", "postgresql+asyncpg:"), pool_size=1)
        listeners = len(engine.sync_engine.pool.dispatch.checkout)
        async with ChatStore(engine=engine) as store:
            for _ in range(3):
                await store.for_user(user_id).conversations.create()
                await _terminate_all(migrated_database)

        assert len(engine.sync_engine.pool.dispatch.checkout) == listeners
        await engine.dispose()

    @pytest.mark.parametrize("pool", [{"pool_size": 1, "max_overflow": 4}, {"poolclass": NullPool}], ids=str)
    async def test_what_its_pool_does_not_keep_is_closed_in_good_order(
        self, migrated_database: str, user_id: str, pool: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        url = migrated_database.replace("postgresql:", "postgresql+asyncpg:")
        engine = create_async_engine(url, **pool)
        closed: list[object] = []
        async with ChatStore(engine=engine) as store:
            event.listen(engine.sync_engine.pool, "close", lambda connection, _: closed.append(connection))
            chat = store.for_user(user_id)
            await asyncio.gather(*[chat.conversations.create() for _ in range(5)])
        await engine.dispose()

        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
        assert len(closed) == 5

    async def test_a_failed_transaction_cannot_be_committed_there_either(
        self, host_engine: AsyncEngine, chat: UserChats, user_id: str
    ) -> None:
        async with ChatStore(engine=host_engine) as store:
            with pytest.raises(UnitOfWorkFailed):
                async with store.unit_of_work(user_id) as work:
                    await work.conversations.create()
                    with pytest.raises(Exception, match="division by zero"):
                        await work.session.execute(text("SELECT 1 / 0"))
            async with store.unit_of_work(user_id) as work:
                conversation = await work.conversations.create()

        assert (await chat.conversations.page()).items == [conversation]


def test_importing_the_library_imports_no_alembic_no_command_line_and_no_integration() -> None:
    program = (
        "import sys, chat_persistence;"
        "print([name for name in ('alembic', 'typer', 'rich', 'click', 'yaml', 'chat_persistence.cli',"
        " 'chat_persistence.embedded', 'chat_persistence.migrations', 'chat_persistence.integrations', 'fastapi',"
        " 'starlette', 'pytest', 'pydantic_settings')"
        " if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed.strip() == "[]"


async def _terminate_all(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
