"""The one database of an embedded server, asked for an answer and created if it is missing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg

from chat_persistence.embedded.directories import SOCKET
from chat_persistence.errors import EmbeddedPostgresError

DATABASE = "chat_persistence"

NOT_YET = (
    OSError,  # no socket, nobody behind it, or no answer in time
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # starting up or shutting down
    asyncpg.TooManyConnectionsError,
)


def ask(socket_folder: Path, seconds: float) -> bool | None:
    """Tell whether the server is durable, once the database is there; None while there is no answer yet."""
    if not (socket_folder / SOCKET).exists():
        return None
    # In a thread of its own, because the caller's may be running a loop already.
    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(asyncio.run, _ask(socket_folder, seconds)).result()
        except NOT_YET:
            return None
        except asyncpg.PostgresError as error:
            raise EmbeddedPostgresError(f"the embedded PostgreSQL refused: SQLSTATE {error.sqlstate}") from None


async def _ask(socket_folder: Path, seconds: float) -> bool:
    async with asyncio.timeout(seconds):
        # Every argument is given, because asyncpg takes what is missing from the environment (PGPORT, …).
        connection = await asyncpg.connect(
            host=str(socket_folder), port=5432, user="postgres", database="postgres", password="", ssl=False
        )
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
            return bool(await connection.fetchval("SHOW fsync") == "on")
        finally:
            await connection.close()
