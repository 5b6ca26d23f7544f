"""A server that became read-only, as after a failover: the store leaves its connections for new ones."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chat_persistence import ChatStore, StoreUnavailable
from tests.servers import new_migrated_database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[str]:
    async with new_migrated_database(database_url) as url:
        yield url


async def become(database: str, *, read_only: bool) -> None:
    """Change what new sessions are; those that are there stay as they are."""
    connection = await asyncpg.connect(database, server_settings={"default_transaction_read_only": "off"})
    name = urlsplit(database).path[1:]
    await connection.execute(
        f"ALTER DATABASE {name} SET default_transaction_read_only = {'on' if read_only else 'off'}"
    )
    await connection.close()


async def test_a_write_on_a_standby_is_unavailable_and_works_as_soon_as_it_is_promoted(database: str) -> None:
    await become(database, read_only=True)
    async with ChatStore(database) as store:
        chat = store.for_user("ada")
        with pytest.raises(StoreUnavailable) as caught:
            await chat.conversations.create()
        assert (await chat.conversations.page()).items == []
        await become(database, read_only=False)
        await chat.conversations.create()

    assert (caught.value.sqlstate, caught.value.retryable) == ("25006", True)


async def test_many_writes_at_once_on_a_standby_are_all_unavailable(database: str) -> None:
    await become(database, read_only=True)
    async with ChatStore(database, pool_size=5) as store:
        chat = store.for_user("ada")
        answers = await asyncio.gather(*[chat.conversations.create() for _ in range(50)], return_exceptions=True)

    assert {getattr(answer, "sqlstate", None) for answer in answers} == {"25006"}


async def test_a_unit_of_work_on_a_standby_is_unavailable_and_works_as_soon_as_it_is_promoted(database: str) -> None:
    await become(database, read_only=True)
    async with ChatStore(database) as store:
        with pytest.raises(StoreUnavailable):
            async with store.unit_of_work("ada") as work:
                await work.conversations.create()
        await become(database, read_only=False)
        async with store.unit_of_work("ada") as work:
            await work.conversations.create()


async def test_connections_in_use_during_the_failover_are_left_too(database: str) -> None:
    await become(database, read_only=True)
    async with ChatStore(database) as store:
        async with store.unit_of_work("ada") as reading:
            await reading.conversations.page()
            with pytest.raises(StoreUnavailable):
                await store.for_user("ada").conversations.create()
            await become(database, read_only=False)
        for _ in range(3):
            async with store.unit_of_work("ada") as work:
                await work.conversations.create()


async def test_the_pool_of_a_given_engine_stays_as_it_is(database: str) -> None:
    await become(database, read_only=True)
    engine = create_async_engine(database.replace("postgresql:", "postgresql+asyncpg:"), pool_size=1, max_overflow=0)
    async with ChatStore(engine=engine) as store:
        before = await _pid(engine)
        with pytest.raises(StoreUnavailable):
            await store.for_user("ada").conversations.create()
        assert await _pid(engine) == before
    await engine.dispose()


async def _pid(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        pid: int = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        return pid
