"""OpenAI's chat JSONL, written of an export: a line is a conversation, `{"messages": […]}`.

Ids, positions, times, titles, metadata and `native` stay behind. What of `native` is kept is the label of instructions,
`system` or `developer`.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from typing import Any

from chat_persistence.exported_lines import line_of
from chat_persistence.load_values import ConversationLoad
from chat_persistence.transfer.formats.ndjson import ConversationReader
from chat_persistence.transfer.json_lines import JSONValue
from chat_persistence.transfer.openai_items import text_of
from chat_persistence.transfer.records import FoundConversation
from chat_persistence.values import MessageCreate, ToolCall

INSTRUCTIONS = ("system", "developer")


async def openai_lines(export: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield a line for each conversation of an export that says something."""
    reader = ConversationReader()
    async for piece in export:
        for line in piece.splitlines():
            for record in reader.take(JSONValue("", json.loads(line))):
                if isinstance(record, FoundConversation) and (messages := openai_messages(record.conversation)):
                    yield line_of({"messages": messages})


def openai_messages(conversation: ConversationLoad) -> list[dict[str, Any]]:
    """Return a conversation as OpenAI's API takes it: each result of a tool is a message of its own, after the call."""
    return [item for message in conversation.messages for item in _items(message)]


def _items(message: MessageCreate) -> Iterator[dict[str, Any]]:
    calls = [_call(call) for call in message.tool_calls if call.is_call]
    results = [_result(call) for call in message.tool_calls if call.has_result]
    role, text = _said(message)
    if calls and not results:
        yield {"role": "assistant", "content": text or None, "tool_calls": calls}
        return
    if calls:
        yield {"role": "assistant", "content": None, "tool_calls": calls}
    yield from results
    if text:
        yield {"role": role, "content": text}


def _said(message: MessageCreate) -> tuple[str, str]:
    native = message.native
    if isinstance(native, dict) and native.get("role") in INSTRUCTIONS:
        return native["role"], message.content or text_of(native.get("content"))
    return message.role.value, message.content


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name or "", "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _result(call: ToolCall) -> dict[str, Any]:
    result = call.result if isinstance(call.result, str) else json.dumps(call.result, ensure_ascii=False)
    return {"role": "tool", "tool_call_id": call.id, "content": result}
