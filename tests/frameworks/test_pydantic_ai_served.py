"""A chat that is served to a browser, by Pydantic AI's adapter for Vercel's AI SDK, on our conversation store."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic_ai import Agent, ModelMessage, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat_persistence import ChatStore, UserChats, conversation_id_of
from chat_persistence.integrations.pydantic_ai import ChatConversationStore


async def counting_model(messages: list[ModelMessage], _: AgentInfo) -> AsyncIterator[str]:
    """Tell how much was asked so far."""
    asked = [part for message in messages for part in message.parts if isinstance(part, UserPromptPart)]
    yield f"You have asked {len(asked)}."


agent = Agent(FunctionModel(stream_function=counting_model))


@pytest.fixture
async def http(store: ChatStore) -> AsyncIterator[httpx.AsyncClient]:
    async def chat(request: Request) -> Response:
        user_id = request.headers["X-User"]
        return await VercelAIAdapter.dispatch_request(
            request,
            agent=agent,
            conversation_store=ChatConversationStore(store.for_user(user_id)),
            conversation_scope=user_id,
        )

    app = Starlette(routes=[Route("/chat", chat, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://host") as http:
        yield http


@pytest.fixture
def name() -> str:
    """What the browser calls the conversation."""
    return f"chat-{uuid4()}"


async def post(http: httpx.AsyncClient, user_id: str, name: str, text: str, **more: Any) -> list[dict[str, Any]]:
    """Have the browser say something, and return what is streamed back."""
    said = {"id": f"m-{text}", "role": "user", "parts": [{"type": "text", "text": text}]}
    asked = {"trigger": "submit-message", "id": name, "messages": [said], **more}
    response = await http.post("/chat", json=asked, headers={"X-User": user_id})
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


async def texts(chat: UserChats, name: str) -> list[str]:
    return [message.content for message in await chat.messages.last(conversation_id_of(name))]


async def test_each_request_goes_on_with_the_stored_history(
    http: httpx.AsyncClient, chat: UserChats, user_id: str, name: str
) -> None:
    await post(http, user_id, name, "Rome")
    streamed = await post(http, user_id, name, "Oslo")

    stored = await chat.messages.last(conversation_id_of(name))
    assert [message.content for message in stored] == ["Rome", "You have asked 1.", "Oslo", "You have asked 2."]
    (saved,) = [chunk["data"] for chunk in streamed if chunk["type"] == "data-conversation-saved"]
    assert [UUID(id) for id in saved["entry_ids"]] == [message.id for message in stored[2:]]


async def test_an_answer_that_is_generated_again_keeps_the_other_as_a_branch(
    http: httpx.AsyncClient, chat: UserChats, user_id: str, name: str
) -> None:
    await post(http, user_id, name, "Rome")
    await post(http, user_id, name, "Oslo")
    await post(http, user_id, name, "Oslo", trigger="regenerate-message")

    record = await ChatConversationStore(chat).read_record(name)
    assert record is not None
    assert len(record.branches) == 1
    assert await texts(chat, name) == ["Rome", "You have asked 1.", "Oslo", "You have asked 2."]
    (branch,) = (await chat.conversations.page(archived=True)).items
    assert branch.message_count == 4


async def test_another_users_conversation_of_that_name_is_another(
    http: httpx.AsyncClient, chat: UserChats, user_id: str, name: str
) -> None:
    await post(http, user_id, name, "Rome")
    await post(http, f"eve-{uuid4()}", name, "Mine?")

    assert await texts(chat, name) == ["Rome", "You have asked 1."]
