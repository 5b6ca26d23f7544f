"""Claude's export: `conversations.json`, an array of conversations whose messages know their parents."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any, BinaryIO

from pydantic import Field

from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.transfer.conversion import (
    ASSISTANT,
    USER,
    NotImportable,
    Time,
    convert_all,
    origin,
    title_of,
)
from chat_persistence.transfer.identities import Identity
from chat_persistence.transfer.json_arrays import read_json_array
from chat_persistence.transfer.records import Record
from chat_persistence.transfer.trees import Tree, conversations_of
from chat_persistence.validation import check_user_id
from chat_persistence.values import Text, ToolCall

NAME = "claude"


class _Block(Shape):
    type: Text
    text: Text | None = None
    id: Text | None = None
    name: Text | None = None
    input: Any = None
    tool_use_id: Text | None = None
    content: Any = None
    is_error: bool | None = None


class _Message(Shape):
    uuid: Annotated[Text, Field(min_length=1)]
    sender: Text
    text: Text | None = None
    content: list[_Block] = Field(default_factory=list)
    created_at: Time | None = None
    parent_message_uuid: Text | None = None

    def read(self) -> str:
        """Return what a person reads: its blocks of text, or its text alone, as older exports have it."""
        texts = [block.text for block in self.content if block.type == "text" and block.text]
        return "\n".join(texts) if self.content else self.text or ""


class _Conversation(Shape):
    uuid: Annotated[Text, Field(min_length=1)]
    name: Text | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    current_leaf_message_uuid: Text | None = None
    chat_messages: list[_Message]


class ClaudeExport:
    """Claude's export. What it says of each message stays whole in `native`, the text of attachments included."""

    def __init__(self, *, user_id: str) -> None:
        self._user_id = check_user_id(user_id)

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """Yield each conversation's newest branch, and then its others as forks of it."""
        return convert_all(read_json_array(file), self._convert)

    def _convert(self, value: dict[str, Any]) -> Iterator[ConversationLoad]:
        conversation = _Conversation.model_validate(value)
        messages = {message.uuid: message for message in conversation.chat_messages}
        originals = dict(zip(messages, value["chat_messages"], strict=False))
        if len(messages) < len(conversation.chat_messages):
            raise NotImportable("chat_messages: the same uuid twice")
        yield from conversations_of(
            Tree(
                user_id=self._user_id,
                key=(NAME, self._user_id, conversation.uuid),
                parents=_parents(messages),
                current=_current(conversation, messages),
                kept=messages,
                tell=lambda identity, keys: [_tell(identity, messages[key], originals[key]) for key in keys],
                title=title_of(conversation.name),
                metadata=origin(NAME, {key: value[key] for key in value if key != "chat_messages"}),
                created_at=conversation.created_at,
                updated_at=conversation.updated_at,
            )
        )


def _parents(messages: dict[str, _Message]) -> dict[str, str | None]:
    """Return the parent of each message: in older exports, the message before it."""
    before = {after: before for before, after in pairwise(messages)}
    return {key: message.parent_message_uuid or before.get(key) for key, message in messages.items()}


def _current(conversation: _Conversation, messages: dict[str, _Message]) -> str:
    named = conversation.current_leaf_message_uuid
    return named if named and named in messages else next(reversed(messages), "")


def _tell(identity: Identity, message: _Message, original: Any) -> MessageLoad:
    return MessageLoad(
        id=identity.message_id(message.uuid, message.created_at),
        role=USER if message.sender == "human" else ASSISTANT,
        content=message.read(),
        tool_calls=_tool_calls(message),
        native=original,
        created_at=message.created_at,
    )


def _tool_calls(message: _Message) -> list[ToolCall]:
    """Return its calls, each with the result that is in the same message."""
    calls: dict[str, ToolCall] = {}
    for place, block in enumerate(message.content):
        if block.type == "tool_use":
            name = block.id or f"{message.uuid}:{place}"
            calls[name] = ToolCall(name, block.name or "", json.dumps(block.input, ensure_ascii=False))
        elif block.type == "tool_result":
            # Where exports leave the ids out, a result follows its call.
            name = block.tool_use_id or _last_open(calls) or f"{message.uuid}:{place}"
            call = calls.get(name, ToolCall(name))
            calls[name] = replace(call, result=block.content, is_error=bool(block.is_error))
    return list(calls.values())


def _last_open(calls: dict[str, ToolCall]) -> str | None:
    return next((name for name, call in reversed(calls.items()) if not call.has_result), None)
