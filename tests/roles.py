"""Roles on a server, made and dropped: they belong to all of its databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chat_persistence import row_level_security
from chat_persistence.connection import make_engine, read_url
from chat_persistence.selftest.addresses import with_parameters
from tests.servers import new_migrated_database


@dataclass(frozen=True)
class Walled:
    """A database under row-level security, by the URLs of those who work on it."""

    owner: str
    application: str
    maintenance: str
    application_role: str


@asynccontextmanager
async def new_role(url: str, attributes: str = "") -> AsyncIterator[str]:
    """Make a role, yield its name, and drop it."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE ROLE {name} {attributes}")
        yield name
    finally:
        await connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
        await connection.close()


@asynccontextmanager
async def new_walled_database(database_url: str, *, append_only: bool = False) -> AsyncIterator[Walled]:
    """Make a database with our tables and row-level security, yield its URLs, and drop it."""
    async with (
        new_migrated_database(database_url) as url,
        new_role(url) as application,
        new_role(url) as maintenance,
    ):
        engine = make_engine(read_url(url))
        await row_level_security.enable(engine, application, maintenance_role=maintenance, append_only=append_only)
        await engine.dispose()
        yield Walled(url, as_role(url, application), as_role(url, maintenance), application)


def engine_as(url: str, role: str) -> AsyncEngine:
    """Return an engine of one connection as a host makes its own, under which one works as that role."""
    return create_async_engine(
        url.replace("postgresql:", "postgresql+asyncpg:"),
        connect_args={"server_settings": {"role": role}},
        pool_size=1,
    )


def as_role(url: str, role: str) -> str:
    """Return the URL under which one works as that role."""
    return with_parameters(url, options=f"-c role={role}")
