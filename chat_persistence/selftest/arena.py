"""Where checks run: a database with tables of their own, and the server under it when that is ours to kill."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chat_persistence import gin_indexes
from chat_persistence.connection import read_url
from chat_persistence.search_languages import DEFAULT_LANGUAGE
from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.relay import Relay
from chat_persistence.selftest.server import OwnServer
from chat_persistence.store import ChatStore

SCHEMA = "chat_persistence_selftest"

WATCHER = "chat_persistence selftest"
"""The application_name of connections that only look."""


@dataclass(frozen=True, slots=True)
class Arena:
    """A migrated schema at a URL. Each check brings users of its own, so that none sees another's rows."""

    url: str = field(repr=False)
    schema: str
    server: OwnServer | None = None
    """The server, when it may be restarted and killed: only an embedded one that nobody else uses."""

    @property
    def owns_server(self) -> bool:
        """Whether what harms everybody on the server harms nobody."""
        return self.server is not None

    @staticmethod
    def new_user() -> str:
        """Return a user whom nobody knows yet."""
        return f"selftest-{uuid4()}"

    def store(self, url: str | None = None, **options: Any) -> ChatStore:
        """Return a store, not open yet, on these tables; through a relay when its URL is given."""
        return ChatStore(url or self.url, schema=self.schema, **options)

    def joined_store(self, engine: AsyncEngine) -> ChatStore:
        """Return a store on these tables that joins a host's engine."""
        return ChatStore(engine=engine, schema=self.schema)

    @asynccontextmanager
    async def host_engine(self, url: str | None = None, **options: Any) -> AsyncIterator[AsyncEngine]:
        """Yield an engine as a host application makes its own; through a relay when its URL is given."""
        dsn = read_url(url or self.url).dsn
        engine = create_async_engine("postgresql+asyncpg://", connect_args={"dsn": dsn}, **options)
        try:
            yield engine
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def relay(self, delay: float = 0.0) -> AsyncIterator[tuple[str, Relay]]:
        """Yield the URL that leads through a relay, and the relay."""
        relay = Relay(self.url, delay)
        async with relay.listening() as url:
            yield url, relay

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["asyncpg.Connection"]:
        """Yield a connection of the driver's own, to look behind the library's back; our tables need no prefix."""
        connection = await asyncpg.connect(read_url(with_parameters(self.url, application_name=WATCHER)).dsn)
        try:
            await connection.execute(f'SET search_path = "{self.schema}", public')
            yield connection
        finally:
            await connection.close()

    async def backends(self, application_name: str) -> set[int]:
        """Return the server's processes that serve connections of this name, without those that are just ending."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()"
        async with self.connection() as connection:
            return {row["pid"] for row in await connection.fetch(query, application_name)}


@asynccontextmanager
async def opened(url: str, server: OwnServer | None = None) -> AsyncIterator[Arena]:
    """Make a schema of our own, migrate it, make it searchable, yield it, and drop it with everything in it."""
    arena = Arena(url, f"{SCHEMA}_{uuid4().hex[:8]}", server)
    connection = await asyncpg.connect(read_url(url).dsn)
    try:
        await connection.execute(f'CREATE SCHEMA "{arena.schema}"')
        async with arena.store() as store:
            await store.migrate()
        await connection.execute(gin_indexes.create(DEFAULT_LANGUAGE, arena.schema, concurrently=False))
        yield arena
    finally:
        await _drop(connection, arena)


async def _drop(connection: "asyncpg.Connection", arena: Arena) -> None:
    # The server may have been restarted meanwhile, and the first connection be gone with it.
    if connection.is_closed():
        connection = await asyncpg.connect(read_url(arena.url).dsn)
    try:
        async with asyncio.timeout(60):
            await connection.execute(f'DROP SCHEMA IF EXISTS "{arena.schema}" CASCADE')
    finally:
        await connection.close()
