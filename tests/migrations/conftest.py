"""An engine on an empty database, and Alembic's command line on the same."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.connection import make_engine, read_url
from tests.migrations.commands import ALEMBIC, run

Alembic = Callable[..., Awaitable[str]]


@pytest.fixture
async def engine(empty_database: str) -> AsyncIterator[AsyncEngine]:
    made = make_engine(read_url(empty_database))
    yield made
    await made.dispose()


@pytest.fixture
def alembic(empty_database: str) -> Alembic:
    """The `alembic` command in this checkout, with DATABASE_URL set."""

    async def command(*arguments: str) -> str:
        return await run(ALEMBIC, *arguments, DATABASE_URL=empty_database)

    return command
