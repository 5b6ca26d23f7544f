"""What providers said is stored, and is read again as it was."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from chat_persistence import UserChats
from chat_persistence.provider_formats import (
    from_openai_chat,
    from_openai_responses,
    to_openai_chat,
    to_openai_responses,
)

CHAT = [
    {"role": "developer", "content": "Be brief\0"},
    {"role": "user", "content": [{"type": "text", "text": "\ud800"}, {"type": "hologram", "light": 1e23}]},
    {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"b":1,"a":2}'}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "12Ä"},
    {"role": "assistant", "content": "Booked."},
]
RESPONSES = [
    {"role": "user", "content": [{"type": "input_text", "text": "\udfff"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
    {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "\0"}]},
    {"role": "assistant", "content": "Booked."},
]


@pytest.mark.parametrize(
    ("read", "write", "items"),
    [(from_openai_chat, to_openai_chat, CHAT), (from_openai_responses, to_openai_responses, RESPONSES)],
)
async def test_what_was_stored_goes_back_as_it_was(
    chat: UserChats, read: Callable[..., Any], write: Callable[..., Any], items: list[dict[str, Any]]
) -> None:
    conversation_id = uuid4()
    await chat.messages.append(conversation_id, *read(items), create_conversation=True)

    assert write(await chat.messages.last(conversation_id)) == items
