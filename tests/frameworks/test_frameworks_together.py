"""One conversation, two agents: one of OpenAI's SDK and one of Pydantic AI, taking turns."""

from typing import Any
from uuid import uuid4

import pytest
from pydantic_ai import Agent, ThinkingPart, ToolCallPart, ToolReturnPart
from pydantic_ai.conversation import Conversation
from pydantic_ai.models.test import TestModel

from chat_persistence import UserChats
from chat_persistence.integrations.openai_agents import ChatSession
from chat_persistence.integrations.pydantic_ai import ChatConversationStore

ITEMS: list[Any] = [
    {"role": "user", "content": "A train to Rome"},
    {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
    {"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "trains", "arguments": '{"to":"Rome"}'},
    {"type": "function_call_output", "call_id": "c1", "output": "9:05"},
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "At 9:05.", "annotations": []}],
    },
]


@pytest.fixture
def name() -> str:
    return f"trip-{uuid4()}"


async def say(conversations: ChatConversationStore, name: str, prompt: str, answer: str) -> Conversation:
    """Have Pydantic AI's agent answer in a conversation."""
    conversation = await conversations.load(name) or Conversation(conversation_id=name)
    result = await Agent(TestModel(custom_output_text=answer)).run(prompt, conversation=conversation)
    await conversations.save(result)
    return result.conversation


def said(conversation: Conversation) -> list[Any]:
    parts = [part for message in conversation.messages for part in message.parts]
    return [part.content for part in parts if not isinstance(part, ToolCallPart) and hasattr(part, "content")]


async def test_pydantic_ai_goes_on_with_what_openais_agent_did(chat: UserChats, name: str) -> None:
    session, conversations = ChatSession(name, chat), ChatConversationStore(chat)
    await session.add_items(ITEMS)

    conversation = await say(conversations, name, "And back?", "At 17:30.")

    parts = [part for message in conversation.messages for part in message.parts]
    assert parts[1:3] == [
        ThinkingPart("", id="rs_1", signature="gAAA", provider_name="openai"),
        ToolCallPart("trains", '{"to":"Rome"}', "c1"),
    ]
    assert isinstance(parts[3], ToolReturnPart)
    assert said(conversation) == ["A train to Rome", "", "9:05", "At 9:05.", "And back?", "At 17:30."]
    items: list[Any] = await session.get_items()
    assert items[:5] == ITEMS
    assert ["And back?" in str(item) for item in items[5:]] == [True, False]


async def test_openais_agent_goes_on_with_what_pydantic_ais_did(chat: UserChats, name: str) -> None:
    session, conversations = ChatSession(name, chat), ChatConversationStore(chat)
    await say(conversations, name, "A train to Rome", "At 9:05.")
    await session.add_items([{"role": "user", "content": "And back?"}])

    conversation = await say(conversations, name, "Well?", "At 17:30.")

    read = ["A train to Rome", "At 9:05.", "And back?", "Well?", "At 17:30."]
    assert said(conversation) == read
    assert [text in str(item) for text, item in zip(read, await session.get_items(), strict=True)] == [True] * 5
    assert "At 17:30." in str(await session.pop_item())
    assert len((await conversations.load_entries(name)) or []) == 4
