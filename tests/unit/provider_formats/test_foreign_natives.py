"""What frameworks and hosts keep in `native` is no provider's item: a message is written by what it says itself."""

from typing import Any

import pytest

from chat_persistence import MessageCreate
from chat_persistence.transfer import ChatGPTExport, ClaudeExport, ShareGPT
from tests.transfer.reading import sample
from tests.unit.provider_formats.formats import FORMATS, Format

NATIVES: list[Any] = [
    # Pydantic AI's messages.
    {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": "Hi", "timestamp": "2026-01-01T00:00:00Z"}]},
    {"kind": "response", "parts": [{"part_kind": "text", "content": "Hi"}], "model_name": "test"},
    # LangChain's, ADK's and Chainlit's.
    {"type": "ai", "data": {"content": "Hi", "tool_calls": []}},
    {"author": "agent", "content": {"role": "model", "parts": [{"text": "Hi"}]}},
    {"id": "1", "type": "assistant_message", "output": "Hi", "parentId": None, "name": "bot"},
    # What providers stream.
    {"type": "response.output_text.delta", "delta": "Hi"},
    [{"type": "message_start"}, {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}],
    [{"object": "chat.completion.chunk", "choices": [{"delta": {"content": "Hi"}}]}],
    [{"type": "text-start", "id": "1"}, {"type": "text-delta", "id": "1", "delta": "Hi"}],
    # A host's own.
    {"usage": {"tokens": 3}},
    {"type": "greeting"},
    [],
    [{"role": "assistant", "content": "Hi"}, None],
    7,
    *(
        message.native
        for conversations in (
            sample("chatgpt.json", ChatGPTExport(user_id="ada")),
            sample("claude.json", ClaudeExport(user_id="ada")),
            sample("sharegpt.json", ShareGPT(user_id="ada")),
        )
        for conversation in conversations
        for message in conversation.messages
        if message.native is not None
    ),
]


@pytest.mark.parametrize("format", FORMATS, ids=str)
@pytest.mark.parametrize("native", NATIVES)
def test_what_is_nobodys_item_stays_behind(format: Format, native: Any) -> None:
    message = MessageCreate(role="assistant", content="Hi", native=native)

    assert format.write([message]) == format.write([message.model_copy(update={"native": None})]) != []
