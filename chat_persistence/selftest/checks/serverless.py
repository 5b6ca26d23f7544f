"""Servers that sleep while nobody asks: idle lines are cut, the first calls wake them, and nobody sees an error."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from chat_persistence import ChatStore, MessageCreate
from chat_persistence.connection import WAKING_TIMEOUT
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, nothing
from chat_persistence.selftest.pgbouncer import obstacle, pooled
from chat_persistence.selftest.relay import Relay
from chat_persistence.selftest.scale import Scale

WAKING_SECONDS = 5.0
CONNECTIONS = 10
FIRST_CALLS = 20

Way = AbstractAsyncContextManager[tuple[str, Relay]]


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Let the server sleep and wake: with the profile for it, and with what a direct host of Neon's is given."""
    for _ in range(scale.wakings):
        ways = [
            _wake(arena, "neon", arena.relay(), profile="neon"),
            _wake(arena, "neon, direct", arena.relay(), connect_timeout=WAKING_TIMEOUT),
        ]
        if obstacle() is None:
            # With more than one, a login might be under way and be cut, after which PgBouncer refuses all for 15 s.
            pooler = pooled(arena.url, server_connections=1)
            ways.append(_wake(arena, "neon, behind PgBouncer", pooler, profile="neon"))
        for figures in await asyncio.gather(*ways):
            for figure in figures:
                yield figure


async def _wake(arena: Arena, name: str, way: Way, **options: object) -> list[Figure]:
    async with way as (url, relay), arena.store(url, pool_size=CONNECTIONS, **options) as store:
        user = arena.new_user()
        conversation = (await store.for_user(user).conversations.create()).id
        await asyncio.gather(*[_read(store, user, conversation) for _ in range(CONNECTIONS)])
        await _fall_asleep(relay)
        made = relay.connections
        calls = [CALLS[number % len(CALLS)](store, user, conversation) for number in range(FIRST_CALLS)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        failed = sum(isinstance(answer, BaseException) for answer in answers)
        async with arena.connection() as connection:
            stored = await connection.fetchval("SELECT count(*) FROM messages WHERE user_id = $1", user)
        return [
            nothing(f"{name}: first calls that failed", failed, FIRST_CALLS),
            nothing(f"{name}: of them, stored twice or not at all", abs(stored - APPENDS), APPENDS),
            Figure(f"{name}: connections made by them", relay.connections - made, CONNECTIONS),
        ]


async def _fall_asleep(relay: Relay) -> None:
    relay.drop_all()
    await asyncio.sleep(0.5)  # as long as it takes until a client, or a pooler, has heard that its line is cut
    relay.welcome_delay = WAKING_SECONDS


async def _append(store: ChatStore, user: str, conversation: UUID) -> None:
    await store.for_user(user).messages.append(conversation, _message())


async def _append_in_a_unit_of_work(store: ChatStore, user: str, conversation: UUID) -> None:
    async with store.unit_of_work(user) as work:
        await work.messages.append(conversation, _message())


async def _read(store: ChatStore, user: str, conversation: UUID) -> None:
    await store.for_user(user).messages.last(conversation)


def _message() -> MessageCreate:
    return MessageCreate(role="user", content="Are you awake?")


CALLS = (_append, _read, _append_in_a_unit_of_work, _read)
APPENDS = FIRST_CALLS // 2

CHECK = Check("serverless", run)
