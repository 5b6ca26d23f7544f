"""The database that a command works on: the one of a URL, or the embedded one for as long as it runs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import ChatStore, migrations
from chat_persistence.cli.encryption import read_encryption
from chat_persistence.connection import read_url
from chat_persistence.opening import EMBEDDED
from chat_persistence.search_languages import DEFAULT_LANGUAGE

Answer = TypeVar("Answer")

PATIENT_SECONDS = 600.0
"""For one statement, which may delete a conversation of millions of messages."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where to connect; an embedded server also has a folder."""

    url: str = field(repr=False)
    data_directory: Path | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether it is the library's own server."""
        return self.data_directory is not None


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    """Yield the database, having started or joined the embedded server if it is asked for by that name."""
    if url != EMBEDDED:
        yield Database(url)
        return
    from chat_persistence import embedded

    with embedded.start() as server:
        yield Database(server.url, server.data_directory)


def on_store(
    url: str,
    schema: str | None,
    work: Callable[[ChatStore], Awaitable[Answer]],
    *,
    search_language: str = DEFAULT_LANGUAGE,
) -> Answer:
    """Do some work on the tables of this version, which may take as long as it needs."""

    async def run(url: str) -> Answer:
        async with ChatStore(
            url,
            schema=schema,
            command_timeout=PATIENT_SECONDS,
            search_language=search_language,
            encryption=read_encryption(),
        ) as store:
            await store.check()
            return await work(store)

    with open_database(url) as database:
        return asyncio.run(run(database.url))


def on_engine(url: str, work: Callable[[AsyncEngine], Awaitable[Answer]]) -> Answer:
    """Do some work on the tables, which may take as long as it needs."""

    async def run(url: str) -> Answer:
        async with migrations.patient_engine(read_url(url)) as engine:
            return await work(engine)

    with open_database(url) as database:
        return asyncio.run(run(database.url))
