"""A relay in front of a PostgreSQL: it counts the turns on the wire, and can be further away than the server is.

It reads nothing of what passes, so that a client and its server may encrypt.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.addresses import through
from chat_persistence.connection_url import Host, take_apart

CHUNK_BYTES = 65_536


class Relay:
    """Carries every connection to the server of a URL. `delay` is added, in seconds, to what a client sends."""

    def __init__(self, url: str, delay: float = 0.0) -> None:
        self.turns = 0
        """How often a client spoke after it had been answered: how often it had to wait."""
        self._url = url
        self._server = take_apart(url).hosts[0]
        self._delay = delay
        self._lines: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Yield the URL that leads through here."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield through(self._url, server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for line in self._lines:
                line.cancel()
            await asyncio.gather(*self._lines, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._carry((reader, writer)))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _carry(self, client: "Stream") -> None:
        line = _Line(self, await _connect(self._server), client, self._delay)
        await asyncio.gather(line.carry_questions(), line.carry_answers(), return_exceptions=True)


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Line:
    """One client's connection."""

    def __init__(self, relay: Relay, server: Stream, client: Stream, delay: float) -> None:
        self._relay = relay
        self._server_reader, self._server_writer = server
        self._client_reader, self._client_writer = client
        self._delay = delay
        self._was_answered = True

    async def carry_questions(self) -> None:
        loop = asyncio.get_running_loop()
        while data := await self._client_reader.read(CHUNK_BYTES):
            self._relay.turns += self._was_answered
            self._was_answered = False
            if self._delay:
                loop.call_later(self._delay, self._server_writer.write, data)
            else:
                self._server_writer.write(data)
        await asyncio.sleep(self._delay)
        self._server_writer.close()

    async def carry_answers(self) -> None:
        while data := await self._server_reader.read(CHUNK_BYTES):
            self._was_answered = True
            self._client_writer.write(data)
        self._client_writer.close()


async def _connect(server: Host) -> Stream:
    port = int(server.port or 5432)
    if server.name.startswith("/"):
        return await asyncio.open_unix_connection(f"{server.name}/.s.PGSQL.{port}")
    return await asyncio.open_connection(server.name, port)
