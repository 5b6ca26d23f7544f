"""A client of the example application."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

import httpx

Event = tuple[str, Any]


class ChatClient:
    """What one user's browser does."""

    def __init__(self, http: httpx.AsyncClient, user_id: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {user_id}"}

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Make one request below `/conversations`."""
        return await self._http.request(method, f"/conversations{path}", headers=self._headers, **options)

    async def create(self, **conversation: Any) -> UUID:
        """Create a conversation, and return its id."""
        return UUID((await self.ask("POST", "", json=conversation)).json()["id"])

    async def history(self, id: UUID) -> list[tuple[str, str]]:
        """Return who said what."""
        items = (await self.ask("GET", f"/{id}/messages")).json()["items"]
        return [(item["role"], item["content"]) for item in items]

    async def events(self, id: UUID, content: str, message_id: UUID | None = None) -> AsyncGenerator[Event, None]:
        """Post a message, and yield the events of the reply as they come."""
        body = {"id": str(message_id or uuid4()), "content": content}
        path = f"/conversations/{id}/messages"
        async with self._http.stream("POST", path, headers=self._headers, json=body) as response:
            assert response.status_code == 200
            name = ""
            async for line in response.aiter_lines():
                kind, _, value = line.partition(": ")
                if kind == "event":
                    name = value
                elif kind == "data":
                    yield name, json.loads(value)

    async def say(self, id: UUID, content: str, message_id: UUID | None = None) -> list[Event]:
        """Post a message, and return all events of the reply."""
        return [event async for event in self.events(id, content, message_id)]

    async def hang_up_after(self, pieces: int, id: UUID, content: str, message_id: UUID | None = None) -> str:
        """Post a message, hang up in mid-reply, and return what was heard of it."""
        heard: list[str] = []
        async with aclosing(self.events(id, content, message_id)) as events:
            async for _, piece in events:
                heard.append(piece)
                if len(heard) == pieces:
                    break
        return "".join(heard)
