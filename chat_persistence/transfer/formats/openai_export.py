"""OpenAI's chat JSONL, written of an export: a line is a conversation, `{"messages": […]}`.

Ids, positions, times, titles, metadata and `native` stay behind. What of `native` is kept is the label of instructions,
`system` or `developer`.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

from chat_persistence.exported_lines import line_of
from chat_persistence.load_values import ConversationLoad
from chat_persistence.provider_formats.reading.messages import own_turns
from chat_persistence.provider_formats.writing.openai_chat import items_of
from chat_persistence.provider_formats.writing.turns import placed
from chat_persistence.transfer.formats.ndjson import ConversationReader
from chat_persistence.transfer.json_lines import JSONValue
from chat_persistence.transfer.records import FoundConversation


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
    turns = placed(turn for message in conversation.messages for turn in own_turns(message))
    return [item for turn in turns for item in items_of(turn)]
