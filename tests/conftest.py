"""The database that tests run on, and the values that most of them ask for."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chat_persistence import ChatStore, ConversationRead, UserChats
from chat_persistence.testing.databases import new_database
from tests.servers import new_searchable_database

pytest_plugins = ["chat_persistence.testing"]


@pytest.fixture(scope="session")
def database_url(chat_server_url: str) -> str:
    """The URL of a server on which databases can be made: `$TEST_DATABASE_URL`, or one of our own."""
    return chat_server_url


@pytest.fixture
async def empty_database(database_url: str) -> AsyncIterator[str]:
    """The URL of a database that only this test sees."""
    async with new_database(database_url) as url:
        yield url


@pytest.fixture(scope="session")
async def migrated_database(database_url: str) -> AsyncIterator[str]:
    """The URL of a database with our tables and the index for search, which all tests share: users keep them apart."""
    async with new_searchable_database(database_url) as url:
        yield url


@pytest.fixture(scope="session")
async def store(migrated_database: str) -> AsyncIterator[ChatStore]:
    """One open store for all tests."""
    async with ChatStore(migrated_database) as store:
        yield store


@pytest.fixture
async def host_engine(migrated_database: str) -> AsyncIterator[AsyncEngine]:
    """An engine as a host application makes its own."""
    engine = create_async_engine(migrated_database.replace("postgresql:", "postgresql+asyncpg:"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(migrated_database: str) -> AsyncIterator["asyncpg.Connection"]:
    """A connection of the driver's own, to look at the rows behind the library's back."""
    connection = await asyncpg.connect(migrated_database)
    yield connection
    await connection.close()


@pytest.fixture
def user_id() -> str:
    """A user whom no other test knows."""
    return f"user-{uuid4()}"


@pytest.fixture
def chat(store: ChatStore, user_id: str) -> UserChats:
    return store.for_user(user_id)


@pytest.fixture
async def conversation(chat: UserChats) -> ConversationRead:
    return await chat.conversations.create()
