"""A proxy in front of a PostgreSQL that counts the round trips on the wire."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit, urlunsplit

_STARTUP = 196_608
_ENDS_A_TURN = frozenset(b"SHQ")  # Sync, Flush, Query: after each, the client waits for an answer


class Wire:
    """What passed; `turns` counts how often a client had to wait."""

    def __init__(self) -> None:
        self.turns = 0


@asynccontextmanager
async def counted(url: str) -> AsyncIterator[tuple[str, Wire]]:
    """Yield a URL that leads through the proxy, and its counter."""
    wire = Wire()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await _connect(url)
        answers = asyncio.create_task(_copy(server_reader, writer))
        try:
            await _count(reader, server_writer, wire)
        finally:
            answers.cancel()
            server_writer.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield _through(url, server.sockets[0].getsockname()[1]), wire
    finally:
        server.close()


def _through(url: str, port: int) -> str:
    parts = urlsplit(url)
    credentials = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}", query="sslmode=disable"))


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host", [""])[0]
    if folder:
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{parts.port or 5432}")
    return await asyncio.open_connection(parts.hostname, parts.port or 5432)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()  # the client's goodbye waits for it


async def _count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: Wire) -> None:
    try:
        await _pass_startup(reader, writer)
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack(">I", head[1:])[0] - 4)
            wire.turns += head[0] in _ENDS_A_TURN
            writer.write(head + body)
    except (asyncio.IncompleteReadError, ConnectionError):
        return


async def _pass_startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    code = 0
    while code != _STARTUP:
        length = await reader.readexactly(4)
        body = await reader.readexactly(struct.unpack(">I", length)[0] - 4)
        code = struct.unpack(">I", body[:4])[0]
        writer.write(length + body)
