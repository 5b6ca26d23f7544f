"""What providers said is stored, and is read again as it was."""

import json
from typing import Any
from uuid import uuid4

import pytest

from chat_persistence import MessageCreate, UserChats, provider_formats

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

ANTHROPIC = [
    {"role": "user", "content": [{"type": "text", "text": "\ud800", "cache_control": {"type": "ephemeral"}}]},
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "\0", "signature": "EqkB"},
            {"type": "redacted_thinking", "data": "EvgF"},
            {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"b": 1, "a": "\udfff"}},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [], "is_error": False}]},
    {"role": "assistant", "content": "Booked."},
]
GEMINI = [
    {"parts": [{"text": "\ud800"}, {"fileData": {"fileUri": "gs://a", "mimeType": "video/mp4"}}]},
    {
        "role": "model",
        "parts": [{"functionCall": {"name": "find", "args": {"b": 1, "a": 2}}, "thoughtSignature": "Et"}],
    },
    {"role": "user", "parts": [{"functionResponse": {"name": "find", "response": {"b": None, "a": "\0"}}}]},
    {"role": "model"},
]
COHERE = [
    {"role": "system", "content": "Be brief\0"},
    {"role": "user", "content": "\udfff"},
    {"role": "assistant", "tool_plan": "Look", "tool_calls": [{"id": "c1", "type": "function"}]},
    {"role": "tool", "tool_call_id": "c1", "content": [{"type": "document", "document": {"data": {"b": 1, "a": 2}}}]},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "\ud800"}], "citations": []},
]
VERCEL = [
    {"id": "\0", "role": "user", "metadata": {"b": 1, "a": 2}, "parts": [{"type": "text", "text": "\udfff"}]},
    {"id": "2", "role": "assistant", "parts": [{"type": "data-light", "data": 1e23}, {"type": "step-start"}]},
]
ITEMS = {
    "openai_chat": CHAT,
    "openai_responses": RESPONSES,
    "anthropic_messages": ANTHROPIC,
    "gemini_contents": GEMINI,
    "cohere_chat": COHERE,
    "vercel_ui_messages": VERCEL,
}


@pytest.mark.parametrize("name", ITEMS)
async def test_what_was_stored_goes_back_as_it_was(chat: UserChats, name: str) -> None:
    conversation_id = uuid4()
    messages: list[MessageCreate] = getattr(provider_formats, f"from_{name}")(ITEMS[name])
    await chat.messages.append(conversation_id, *messages, create_conversation=True)

    read = await chat.messages.last(conversation_id)

    items: list[dict[str, Any]] = getattr(provider_formats, f"to_{name}")(read)
    assert json.dumps(items) == json.dumps(ITEMS[name])
