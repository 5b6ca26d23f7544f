"""The example application behind uvicorn, in a process of its own, with many clients at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from chat_persistence import ChatStore, MessageRole, UserChats
from tests.frameworks.chat_client import ChatClient
from tests.frameworks.serving import served

CLIENTS = 200
STREAMS = 50
LONG = " ".join(f"word-{n}" for n in range(3000))
"""Half a minute of reply, which nobody waits for."""


@pytest.fixture(scope="module")
async def url(migrated_database: str) -> AsyncIterator[str]:
    async with served("examples.fastapi_chat:app", migrated_database) as server:
        yield server.url


@asynccontextmanager
async def connected(url: str, *user_ids: str) -> AsyncIterator[list[ChatClient]]:
    """Yield a client for each user, each with connections of its own."""
    async with AsyncExitStack() as stack:
        opening = [httpx.AsyncClient(base_url=url, verify=False, timeout=30) for _ in user_ids]  # noqa: S501
        https = [await stack.enter_async_context(client) for client in opening]
        yield [ChatClient(http, user_id) for http, user_id in zip(https, user_ids, strict=True)]


async def reply_of(chat: UserChats, id: UUID) -> tuple[str, Any]:
    """Wait for the reply to be stored; return it, and what is said of its end."""
    for _ in range(200):
        message = (await chat.messages.last(id, 1))[0]
        if message.position == 3:
            return message.content, message.metadata
        await asyncio.sleep(0.05)
    raise AssertionError("no reply was stored")


async def states_of_connections(database_url: str) -> list[str]:
    """Return what PostgreSQL says of the others' connections to this database."""
    connection = await asyncpg.connect(database_url)
    others = "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    states = [row["state"] for row in await connection.fetch(others)]
    await connection.close()
    return states


async def test_200_clients_at_once_are_each_told_their_own(url: str) -> None:
    async def converse(n: int) -> tuple[UUID, list[tuple[str, str]]]:
        id = await clients[n].create()
        *pieces, stored = await clients[n].say(id, f"a question of {n}")
        assert "".join(piece for _, piece in pieces) == stored[1]["content"]
        return id, await clients[n].history(id)

    async def strangers_in_sight(n: int) -> tuple[list[str], int]:
        listed = (await clients[n].ask("GET", "")).json()["items"]
        stolen = await clients[n].ask("GET", f"/{talks[n - 1][0]}/messages")
        return [item["id"] for item in listed if item["id"] != str(talks[n][0])], stolen.status_code

    run = uuid4()
    async with connected(url, *(f"{run}-{n}" for n in range(CLIENTS))) as clients:
        talks = await asyncio.gather(*(converse(n) for n in range(CLIENTS)))
        strangers = await asyncio.gather(*(strangers_in_sight(n) for n in range(CLIENTS)))

    for n, (_, history) in enumerate(talks):
        said = f"a question of {n}"
        assert history == [("assistant", "How may I help?"), ("user", said), ("assistant", f"{said} ")]
    assert strangers == [([], 404)] * CLIENTS


async def test_a_client_that_hangs_up_leaves_what_was_said(url: str, chat: UserChats, user_id: str) -> None:
    async with connected(url, user_id) as (ada,):
        id, message_id = await ada.create(), uuid4()
        heard = await ada.hang_up_after(3, id, LONG, message_id)
        content, metadata = await reply_of(chat, id)
        again = await ada.say(id, LONG, message_id)

    assert heard == "word-0 word-1 word-2 "
    assert (content.startswith(heard), LONG.startswith(content.strip()), metadata) == (True, True, {"aborted": True})
    assert [event[1]["content"] for event in again] == [content]


async def test_a_server_that_is_stopped_leaves_what_was_said(
    migrated_database: str, chat: UserChats, user_id: str
) -> None:
    async with (
        served("examples.fastapi_chat:app", migrated_database) as server,
        connected(server.url, user_id) as (ada,),
    ):
        id = await ada.create()
        events = ada.events(id, LONG)
        heard = "".join([(await anext(events))[1] for _ in range(3)])
        await server.end()
        with pytest.raises(httpx.HTTPError):
            async for _ in events:
                pass

    ((role, content),) = [(message.role, message.content) for message in await chat.messages.last(id, 1)]
    assert (role, content.startswith(heard)) == (MessageRole.ASSISTANT, True)


async def test_no_connection_is_held_while_a_reply_streams(empty_database: str) -> None:
    user_ids = [f"user-{n}" for n in range(STREAMS)]
    async with (
        served("tests.frameworks.small_pool:app", empty_database) as server,
        connected(server.url, *user_ids) as clients,
    ):
        ids = await asyncio.gather(*(client.create() for client in clients))
        streams = [client.events(id, LONG) for client, id in zip(clients, ids, strict=True)]
        first = await asyncio.gather(*(anext(stream) for stream in streams))
        states = await states_of_connections(empty_database)
        history = await clients[0].history(ids[0])
        second = await asyncio.gather(*(anext(stream) for stream in streams))
        await asyncio.gather(*(stream.aclose() for stream in streams))
        async with ChatStore(empty_database) as store:
            replies = [await reply_of(store.for_user(user_id), id) for user_id, id in zip(user_ids, ids, strict=True)]

    assert (first, second) == ([("piece", "word-0 ")] * STREAMS, [("piece", "word-1 ")] * STREAMS)
    assert states in (["idle"], ["idle", "idle"])
    assert history[-1] == ("user", LONG)
    assert [metadata for _, metadata in replies] == [{"aborted": True}] * STREAMS
