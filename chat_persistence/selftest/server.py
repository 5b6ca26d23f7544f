"""An embedded PostgreSQL in a temporary folder that nobody else uses, so that it may be restarted and killed."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from chat_persistence import embedded
from chat_persistence.embedded import locks
from chat_persistence.embedded.database import DATABASE

FAST = signal.SIGINT
"""A fast shutdown, as PostgreSQL's signals go: every client is cut off, and nothing has to be recovered."""

IMMEDIATE = signal.SIGQUIT
"""An immediate shutdown: recovered from the write-ahead log, as after a power failure."""

KILL = signal.SIGKILL

LONGEST_OUTAGE = 60.0
POLL_SECONDS = 0.005
CONNECT_SECONDS = 2.0


class OwnServer:
    """It is durable, since what is acknowledged has to outlive it. Made by `own_server()`."""

    def __init__(self, share: embedded.EmbeddedServer) -> None:
        self.url = share.url
        self._folder = share.data_directory
        self._share = share

    async def outage(self, happens: Callable[[], Coroutine[Any, Any, None]]) -> float:
        """Let it happen, and return the moment (of `time.monotonic`) since which the server answers again.

        It has to cut every client off.
        """
        witness = await asyncpg.connect(self.url)
        async with asyncio.timeout(LONGEST_OUTAGE), asyncio.TaskGroup() as tasks:
            tasks.create_task(happens())
            while not witness.is_closed():
                await asyncio.sleep(POLL_SECONDS)
            while not await self._answers():
                await asyncio.sleep(POLL_SECONDS)
            return time.monotonic()

    async def stop_and_start(self, request: signal.Signals) -> None:
        """Stop it by this signal, and start it again as soon as it is gone."""
        postmaster = int((self._folder / "cluster" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, request)
        while _is_there(postmaster):
            await asyncio.sleep(POLL_SECONDS)
        share = await asyncio.to_thread(embedded.start, self._folder)
        self._share.close()
        self._share = share

    async def kill_backend(self, application_name: str) -> None:
        """Kill one process that serves a connection of this name: PostgreSQL restarts all of them for it."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 LIMIT 1"
        os.kill(await self._ask(query, application_name), KILL)

    async def terminate_backends(self) -> None:
        """Cut off every client."""
        await self._ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    async def be_standby(self) -> None:
        """Have every new session be read-only, and cut off the others, as a failover does."""
        await self._ask(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")
        await self.terminate_backends()

    async def be_promoted(self) -> None:
        """Have every new session write again; those that there are stay read-only."""
        await self._ask(f"ALTER DATABASE {DATABASE} RESET default_transaction_read_only")

    def close(self) -> None:
        """Stop it, and return when it is gone."""
        self._share.close()
        with locks.exclusively(self._folder / "server.lock", time.monotonic() + LONGEST_OUTAGE):
            pass

    async def _ask(self, query: str, *arguments: object) -> Any:
        connection = await asyncpg.connect(self.url, server_settings={"default_transaction_read_only": "off"})
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url, timeout=CONNECT_SECONDS)
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """Start a server, yield it, and leave neither it nor its files behind."""
    with tempfile.TemporaryDirectory(prefix="chat-persistence-selftest-") as folder:
        server = OwnServer(embedded.start(Path(folder, "data")))
        try:
            yield server
        finally:
            server.close()
