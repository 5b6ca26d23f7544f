"""Those who follow in tests: what came to them, and what the server knows of them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from chat_persistence import MessageRead
from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.statements.announcing import CHANNEL

PATIENCE = 30.0
"""Seconds for what happens at once on an idle machine."""


class Following:
    """What has come to one who follows in the background."""

    def __init__(self, messages: AsyncGenerator[MessageRead, None]) -> None:
        self.seen: list[MessageRead] = []
        self.task = asyncio.create_task(self._collect(messages))

    async def reach(self, count: int) -> list[str]:
        """Wait until so many have come, and return what all of them say."""
        await until(lambda: len(self.seen) >= count or self.task.done())
        if self.task.done():
            await self.task
        return [message.content for message in self.seen]

    async def leave(self) -> None:
        """Stop following."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _collect(self, messages: AsyncGenerator[MessageRead, None]) -> None:
        async for message in messages:
            self.seen.append(message)


@asynccontextmanager
async def following(messages: AsyncGenerator[MessageRead, None]) -> AsyncIterator[Following]:
    """Follow in the background during a block."""
    follower = Following(messages)
    try:
        yield follower
    finally:
        await follower.leave()


@asynccontextmanager
async def hearing(url: str) -> AsyncIterator[list[str]]:
    """Hear all that is announced during a block, on a connection of the driver's own."""
    heard: list[str] = []
    connection = await asyncpg.connect(url)
    await connection.add_listener(CHANNEL, lambda _, __, ___, name: heard.append(name))
    try:
        yield heard
    finally:
        await connection.close()


async def until(is_so: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = is_so()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.01)


def named(url: str, application_name: str) -> str:
    """Return a URL whose connections are known by a name."""
    return with_parameters(url, application_name=application_name)


async def backends(connection: asyncpg.Connection, application_name: str) -> list[int]:
    """Return the processes of the server for connections of that name."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = $1"
    return [row["pid"] for row in await connection.fetch(query, application_name)]


async def is_leased(connection: asyncpg.Connection, user_id: str) -> bool:
    """Whether any conversation of a user is said to be followed."""
    query = "SELECT count(*) FROM conversations WHERE user_id = $1 AND followed_until > now()"
    return bool(await connection.fetchval(query, user_id))
