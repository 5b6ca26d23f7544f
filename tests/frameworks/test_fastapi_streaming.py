"""A reply that streams is stored, whatever way its reader goes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import Message

from chat_persistence import ChatStore, ConversationRead, MessageCreate, UserChats
from chat_persistence.integrations.fastapi import ClosingStreamingResponse
from tests.frameworks.asgi import client, get, host_app
from tests.frameworks.identity import Chats


class Reader:
    """A client that takes two pieces, and then waits for no more."""

    def __init__(self, at_the_third: Callable[[], Awaitable[None]]) -> None:
        self.pieces: list[bytes] = []
        self._at_the_third = at_the_third

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            if len(self.pieces) == 2:
                await self._at_the_third()
            self.pieces.append(message["body"])


@pytest.fixture
def app(store: ChatStore, conversation: ConversationRead) -> FastAPI:
    app = host_app(store)

    async def reply(chats: UserChats, seconds: float) -> AsyncGenerator[str, None]:
        said = []
        try:
            for piece in ("one ", "two ", "three ", "four "):
                said.append(piece)
                yield piece
                await asyncio.sleep(seconds if len(said) == 3 else 0)
        finally:
            message = MessageCreate(id=UUID(int=1), role="assistant", content="".join(said))
            await chats.messages.append(conversation.id, message)

    @app.get("/{seconds}")
    async def stream(chats: Chats, seconds: float) -> ClosingStreamingResponse:
        return ClosingStreamingResponse(reply(chats, seconds))

    return app


async def stored(chat: UserChats, conversation: ConversationRead) -> list[str]:
    # A caller who was cancelled did not wait for what it sent.
    for _ in range(100):
        if messages := await chat.messages.last(conversation.id):
            return [message.content for message in messages]
        await asyncio.sleep(0.02)
    return []


async def test_a_reply_is_stored_before_its_last_byte(
    app: FastAPI, chat: UserChats, conversation: ConversationRead, user_id: str
) -> None:
    async with client(app, user_id) as me:
        assert (await me.get("/0")).text == "one two three four "
    assert [message.content for message in await chat.messages.last(conversation.id)] == ["one two three four "]


@pytest.mark.parametrize("with_middleware", [False, True])
async def test_a_client_hangs_up_while_the_model_thinks(
    app: FastAPI, chat: UserChats, conversation: ConversationRead, user_id: str, with_middleware: bool
) -> None:
    hung_up = asyncio.Event()
    if with_middleware:
        app.add_middleware(BaseHTTPMiddleware, dispatch=_pass_on)

    async def hang_up() -> None:
        hung_up.set()

    await get(app, "/60", user_id, Reader(hang_up).send, hung_up=hung_up)
    assert await stored(chat, conversation) == ["one two three "]


async def test_a_client_reads_no_more_and_hangs_up(
    app: FastAPI, chat: UserChats, conversation: ConversationRead, user_id: str
) -> None:
    hung_up = asyncio.Event()

    async def stall() -> None:
        hung_up.set()
        await asyncio.Event().wait()

    await get(app, "/0", user_id, Reader(stall).send, hung_up=hung_up)
    # It was cancelled outside of the generator, and yet nobody need wait for the collection of garbage.
    assert [message.content for message in await chat.messages.last(conversation.id)] == ["one two three "]


async def test_a_server_tells_of_the_hang_up_by_an_oserror(
    app: FastAPI, chat: UserChats, conversation: ConversationRead, user_id: str
) -> None:
    async def refuse() -> None:
        raise OSError

    with suppress(Exception):
        await get(app, "/0", user_id, Reader(refuse).send, spec_version="2.4")
    assert [message.content for message in await chat.messages.last(conversation.id)] == ["one two three "]


async def test_a_request_is_cancelled_from_outside(
    app: FastAPI, chat: UserChats, conversation: ConversationRead, user_id: str
) -> None:
    third = asyncio.Event()

    async def take_note() -> None:
        third.set()

    request = asyncio.create_task(get(app, "/60", user_id, Reader(take_note).send))
    await third.wait()
    request.cancel()
    with suppress(asyncio.CancelledError):
        await request
    assert await stored(chat, conversation) == ["one two three "]


async def _pass_on(request: Any, call_next: Any) -> Any:
    return await call_next(request)
