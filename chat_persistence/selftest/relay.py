"""A relay in front of a PostgreSQL: it counts the turns on the wire, and does to a line what networks do.

It reads nothing of what passes but for the words that a cut waits for, so that a client and its server may encrypt.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat_persistence.connection_url import Host, take_apart
from chat_persistence.selftest.addresses import through

CHUNK_BYTES = 65_536

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay:
    """Carries every connection to the server of a URL. `delay` is added, in seconds, to what a client sends."""

    def __init__(self, url: str, delay: float = 0.0) -> None:
        self.turns = 0
        """How often a client spoke after it had been answered: how often it had to wait."""
        self.connections = 0
        """How many were ever made."""
        self.cuts = 0
        """How many lines were cut with an answer on its way."""
        self.delay = delay
        self.welcome_delay = 0.0
        """How long a new connection waits for its first byte: a server that is being started."""
        self._url = url
        self._server = take_apart(url).hosts[0]
        self._lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = asyncio.Event()
        self._is_open.set()
        self.question_arrives = True
        """Whether the question that is cut still reaches the server."""
        self._cut_at: bytes | None = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Yield the URL that leads through here."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield self.address(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def address(self, port: int) -> str:
        """Return the URL that leads through this port."""
        return through(self._url, port)

    async def connect(self) -> Stream:
        """Open a connection to the server."""
        return await _connect(self._server)

    def line(self, server: Stream, client: Stream) -> "Line":
        """Return what carries one client's connection."""
        return Line(self, server, client)

    def cut_next(self, words: bytes = b"", *, arrives: bool = True) -> None:
        """Let the next question with these words arrive, or not even that, and cut its line in place of the answer."""
        self._cut_at = words
        self.question_arrives = arrives

    def spare_next(self) -> None:
        """Let the next question be answered after all."""
        self._cut_at = None

    @property
    def lines(self) -> int:
        """How many are open."""
        return len(self._lines)

    def swallow(self) -> None:
        """Have every byte vanish from now on, and no line end: a black hole."""
        self._is_open.clear()

    def carry_on(self) -> None:
        """Let bytes pass again; what a black hole was given comes out of it now."""
        self._is_open.set()

    def drop_all(self) -> None:
        """End every line at once, as a pooler does with what was idle for too long."""
        for line in list(self._lines):
            line.cut()

    def is_cut_by(self, question: bytes) -> bool:
        """Whether this question is the one whose answer is to be lost; only one is."""
        if self._cut_at is None or self._cut_at not in question:
            return False
        self._cut_at = None
        self.cuts += 1
        return True

    async def wait_until_open(self) -> None:
        """Wait while everything vanishes."""
        await self._is_open.wait()

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry((reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, client: Stream) -> None:
        self.connections += 1
        try:
            await asyncio.sleep(self.welcome_delay)
            line = self.line(await self.connect(), client)
        except BaseException as error:
            client[1].transport.abort()
            if isinstance(error, OSError):
                return
            raise
        self._lines.add(line)
        try:
            await asyncio.gather(line.carry_questions(), line.carry_answers(), return_exceptions=True)
        finally:
            self._lines.discard(line)
            line.close()


class Line:
    """One client's connection."""

    def __init__(self, relay: Relay, server: Stream, client: Stream) -> None:
        self._relay = relay
        self._server_reader, self._server_writer = server
        self._client_reader, self._client_writer = client
        self._was_answered = True
        self._loses_answer = False

    def close(self) -> None:
        """End it for both sides."""
        self._client_writer.close()
        self._server_writer.close()

    def cut(self) -> None:
        """End it for both sides, without a goodbye."""
        self._client_writer.transport.abort()
        self._server_writer.transport.abort()

    def passed_on(self, question: bytes) -> bytes:
        """Return what the server is to see of a question."""
        return question

    async def carry_questions(self) -> None:
        """Carry what the client says, until it ends."""
        loop = asyncio.get_running_loop()
        while data := await self._client_reader.read(CHUNK_BYTES):
            await self._relay.wait_until_open()
            self._relay.turns += self._was_answered
            self._was_answered = False
            data = self.passed_on(data)
            if self._relay.is_cut_by(data):
                self._loses_answer = True
                if not self._relay.question_arrives:
                    self.cut()
                    return
            if self._relay.delay:
                loop.call_later(self._relay.delay, self._server_writer.write, data)
            else:
                self._server_writer.write(data)
        await asyncio.sleep(self._relay.delay)
        self._server_writer.close()

    async def carry_answers(self) -> None:
        """Carry what the server says, until it ends or the line is cut."""
        while data := await self._server_reader.read(CHUNK_BYTES):
            await self._relay.wait_until_open()
            if self._loses_answer:
                self.cut()
                return
            self._was_answered = True
            self._client_writer.write(data)
        self._client_writer.close()


async def _connect(server: Host) -> Stream:
    port = int(server.port or 5432)
    if server.name.startswith("/"):
        return await asyncio.open_unix_connection(f"{server.name}/.s.PGSQL.{port}")
    return await asyncio.open_connection(server.name, port)
