"""Records as response models, whatever text is in them."""

import json
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from chat_persistence import (
    ChatStore,
    ConversationRead,
    ConversationWithMessages,
    MessageCreate,
    MessageRead,
    Page,
    ToolCall,
    UserChats,
)
from tests.frameworks.asgi import client, host_app
from tests.frameworks.identity import Chats


@pytest.fixture
def app(store: ChatStore) -> FastAPI:
    app = host_app(store)

    @app.get("/conversations")
    async def conversations(chats: Chats) -> Page[ConversationRead]:
        return await chats.conversations.page()

    @app.get("/conversations/{id}")
    async def conversation(chats: Chats, id: UUID) -> ConversationWithMessages:
        return await chats.conversations.get_with_messages(id)

    @app.get("/conversations/{id}/messages")
    async def messages(chats: Chats, id: UUID) -> Page[MessageRead]:
        return await chats.messages.page(id)

    return app


async def test_records_are_response_models(app: FastAPI, chat: UserChats, user_id: str) -> None:
    conversation = await chat.conversations.create(title="Rome", metadata={"a": [1]})
    calls = [ToolCall(id="c1", name="book", arguments="{}"), ToolCall(id="c1", result=None)]
    await chat.messages.append(conversation.id, MessageCreate(role="assistant", tool_calls=calls, native={"b": 1.5}))

    async with client(app, user_id) as me:
        page, whole, messages = [
            (await me.get(path)).json()
            for path in (
                "/conversations",
                f"/conversations/{conversation.id}",
                f"/conversations/{conversation.id}/messages",
            )
        ]

    assert page["items"] == [whole["conversation"]]
    assert messages["items"] == whole["messages"]
    (message,) = whole["messages"]
    assert (message["role"], message["position"], message["native"]) == ("assistant", 1, {"b": 1.5})
    assert message["tool_calls"] == [
        {"id": "c1", "name": "book", "arguments": "{}", "is_error": False},
        {"id": "c1", "name": None, "arguments": None, "result": None, "is_error": False},
    ]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("\ud800", "\ufffd"),
        ("a\udfff\ud800b", "a\ufffd\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\x00 \ufdd0 \U0001f600", "\x00 \ufdd0 \U0001f600"),
    ],
    ids=ascii,
)
async def test_any_text_can_be_sent(app: FastAPI, chat: UserChats, user_id: str, said: str, sent: str) -> None:
    def anything(text: str) -> dict[str, Any]:
        return {text: [text, {f"{text} deeper": {text: text}}, 1, None]}

    conversation = await chat.conversations.create(metadata=anything(said))
    call = ToolCall(id="c1", arguments=said, result=anything(said))
    await chat.messages.append(
        conversation.id,
        MessageCreate(role="user", content=said, tool_calls=[call], native=anything(said), metadata=anything(said)),
    )

    async with client(app, user_id) as me:
        answer = json.loads((await me.get(f"/conversations/{conversation.id}")).content.decode())

    (message,) = answer["messages"]
    assert (message["content"], message["native"], message["metadata"]) == (sent, anything(sent), anything(sent))
    assert (message["tool_calls"][0]["arguments"], message["tool_calls"][0]["result"]) == (sent, anything(sent))
    assert answer["conversation"]["metadata"] == anything(sent)


async def test_two_keys_that_become_one_are_one(app: FastAPI, chat: UserChats, user_id: str) -> None:
    conversation = await chat.conversations.create(metadata={chr(0xD800): 1, chr(0xD801): 2})

    async with client(app, user_id) as me:
        answer = await me.get(f"/conversations/{conversation.id}")
    assert list(answer.json()["conversation"]["metadata"]) == ["\ufffd"]


def test_the_api_description_is_that_of_the_records(app: FastAPI) -> None:
    schemas = app.openapi()["components"]["schemas"]

    assert schemas["Page_MessageRead_"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/MessageRead"}
    message = schemas["MessageRead"]["properties"]
    assert message["content"]["type"] == "string"
    assert message["tool_calls"]["items"] == {"$ref": "#/components/schemas/ToolCall"}
    assert {option["type"] for option in message["metadata"]["anyOf"]} == {"object", "null"}
    assert schemas["ConversationRead"]["properties"]["metadata"]["type"] == "object"
