"""The server that everything runs on, what it is, and the databases that are made on it and dropped again."""

import os
import platform
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import asyncpg

from chat_persistence.connection import read_url
from chat_persistence.connection_url import take_apart
from chat_persistence.selftest.addresses import with_database

SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_connections")


@contextmanager
def opened(url: str | None) -> Iterator[str]:
    """Yield the URL of the given server, or of an embedded one that is gone afterwards; it is a durable one."""
    if url is not None:
        yield url
        return
    from chat_persistence import embedded

    with (
        tempfile.TemporaryDirectory(prefix="cp-bench-", ignore_cleanup_errors=True) as folder,
        embedded.start(Path(folder) / "data") as server,
    ):
        yield server.url


async def describe(url: str, *, embedded: bool) -> dict[str, str]:
    """Say what the server is, as far as it matters to its speed."""
    connection = await asyncpg.connect(read_url(url).dsn)
    try:
        said = {name: str(await connection.fetchval("SELECT current_setting($1)", name)) for name in SETTINGS}
    finally:
        await connection.close()
    host = take_apart(url).hosts[0].name
    reached = "unix socket" if host.startswith("/") else "TCP"
    return {**said, "kind": "embedded" if embedded else "given", "reached_by": reached}


def machine() -> dict[str, str]:
    """Say what runs the clients, without naming it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    with suppress(OSError):
        named = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if named and named[1].strip() not in ("", "unknown"):
            return named[1].strip()
    return platform.processor() or "unnamed processor"


class Databases:
    """Databases of the benchmark's own on one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._prefix = f"benchmark_{uuid4().hex[:8]}"
        self._names: list[str] = []

    async def create(self, name: str) -> str:
        """Make an empty database and return its URL."""
        database = f"{self._prefix}_{re.sub('[^a-z0-9]+', '_', name.lower())}"
        self._names.append(database)
        async with self._administration() as connection:
            await connection.execute(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
        return with_database(self._url, database)

    async def drop(self) -> None:
        """Drop all that were made."""
        async with self._administration() as connection:
            while self._names:
                await connection.execute(f"DROP DATABASE IF EXISTS {self._names.pop()} WITH (FORCE)")

    @asynccontextmanager
    async def _administration(self) -> AsyncIterator["asyncpg.Connection"]:
        connection = await asyncpg.connect(read_url(self._url).dsn)
        try:
            yield connection
        finally:
            await connection.close()


async def settle(url: str) -> None:
    """Have done at once what the server would do in the middle of a round, after a database was filled."""
    connection = await asyncpg.connect(read_url(url).dsn)
    try:
        await connection.execute("VACUUM (ANALYZE)")
        with suppress(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
