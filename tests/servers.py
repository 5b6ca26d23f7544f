"""Databases on one server, made and dropped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from chat_persistence import ChatStore, gin_indexes
from chat_persistence.testing.databases import new_database


@asynccontextmanager
async def new_migrated_database(database_url: str) -> AsyncIterator[str]:
    """Make a database with our tables, yield its URL, and drop it."""
    async with new_database(database_url) as url:
        async with ChatStore(url) as store:
            await store.migrate()
        yield url


@asynccontextmanager
async def new_searchable_database(database_url: str) -> AsyncIterator[str]:
    """Make a database with our tables and the index for search, yield its URL, and drop it."""
    async with new_migrated_database(database_url) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(gin_indexes.create("simple", None))
        await connection.close()
        yield url


async def make_read_only(url: str) -> None:
    """Have every later session of a database refuse to write, as after a failover."""
    connection = await asyncpg.connect(url)
    try:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    finally:
        await connection.close()
