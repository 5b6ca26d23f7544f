"""A request to an application, message by message as ASGI has it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Message

from chat_persistence import ChatStore
from chat_persistence.integrations.fastapi import install_error_handlers

USER = "X-User"


def host_app(store: ChatStore) -> FastAPI:
    """Return an application with our error handlers and an open store."""
    app = FastAPI()
    install_error_handlers(app)
    app.state.chat_store = store
    return app


def client(app: FastAPI, user_id: str) -> httpx.AsyncClient:
    """Return a client of one user; an exception that the application lets out is a 500, as behind a server."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://host", headers={USER: user_id})


async def get(
    app: FastAPI,
    path: str,
    user_id: str,
    send: Callable[[Message], Awaitable[None]],
    *,
    hung_up: asyncio.Event | None = None,
    spec_version: str = "2.3",
) -> None:
    """Make one request, giving every message of its response to `send`; the client goes at `hung_up`."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(USER.lower().encode(), user_id.encode())],
        "server": ("host", 80),
        "client": ("client", 1),
    }
    was_asked = False

    async def receive() -> Message:
        nonlocal was_asked
        if not was_asked:
            was_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await (hung_up or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    await app(scope, receive, send)


async def close_of_web_socket(app: FastAPI, path: str) -> Message:
    """Connect a WebSocket, and return the message that ends it."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "scheme": "ws",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    await app(scope, receive, send)
    return sent[-1]
