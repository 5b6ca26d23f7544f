"""Databases for tests: made on a server, migrated, emptied and dropped."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from chat_persistence.connection import TimeLimits, connected, read_url
from chat_persistence.connection_url import take_apart
from chat_persistence.selftest.addresses import with_database
from chat_persistence.statements import across_user_keys
from chat_persistence.store import ChatStore
from chat_persistence.validation import MAX_LIMIT

# A copy of a database waits for the disk when the server is a real one.
LIMITS = TimeLimits(command=120.0)


@asynccontextmanager
async def new_database(server_url: str, template: str | None = None) -> AsyncIterator[str]:
    """Make a database on the server, empty or as the one at the URL `template`; yield its URL, and drop it."""
    name = f"chat_test_{uuid4().hex}"
    source = "template0 ENCODING 'UTF8'" if template is None else take_apart(template).parameters["dbname"]
    async with connected(read_url(server_url), LIMITS) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
    try:
        yield with_database(server_url, name)
    finally:
        async with connected(read_url(server_url), LIMITS) as connection:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def migrate(url: str, schema: str | None) -> None:
    """Make the tables of this version."""
    async with ChatStore(url, schema=schema) as store:
        await store.migrate()


async def erase_everybody(store: ChatStore) -> None:
    """Delete all conversations and messages, and the keys also of those who have none."""
    while user_ids := {*await store.users(), *await _users_with_keys(store)}:
        for user_id in user_ids:
            await store.for_user(user_id).erase()


async def _users_with_keys(store: ChatStore) -> list[str]:
    execution = store._open_resources.execution
    rows = await execution.fetch(across_user_keys.page, owner_after="", how_many=MAX_LIMIT)
    return [row[0] for row in rows]
