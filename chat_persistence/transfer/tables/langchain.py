"""The tables of LangChain's message histories: langchain-postgres's, and langchain-community's `message_store`."""

import json
from typing import Annotated, Any

from pydantic import BeforeValidator
from sqlalchemy import Select

from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.models import MessageRole
from chat_persistence.provider_formats.reading.format import text_of
from chat_persistence.provider_formats.reading.openai_content import parts_of
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.statements import foreign_tables
from chat_persistence.transfer.conversion import ASSISTANT, USER, Time, origin
from chat_persistence.transfer.identities import Identity
from chat_persistence.transfer.tables.source import ForeignConversation, UserOf, find_user
from chat_persistence.values import Text, ToolCall

NAME = "langchain"

ROLES: dict[str, MessageRole] = {"human": USER, "ai": ASSISTANT, "AIMessageChunk": ASSISTANT, "chat": ASSISTANT}
"""What a person reads; instructions and the results of tools stay in `native`."""


class _Call(Shape):
    id: Text | None = None
    name: Text
    args: Any = None


class _Data(Shape):
    content: Any = None
    tool_calls: list[_Call] | None = None
    tool_call_id: Text | None = None
    status: Text | None = None


class _Message(Shape):
    type: Text
    data: _Data


class _Row(Shape):
    id: int
    # A jsonb in one library, and a text in the other.
    message: Annotated[dict[str, Any], BeforeValidator(lambda given: _read(given))]
    created_at: Time | None = None


class LangChain:
    """The sessions of a message history. They have no user, so one is given, or found in a session's id."""

    def __init__(self, *, user_id: UserOf, messages_table: str = "message_store", schema: str | None = None) -> None:
        self._user_id = user_id
        self._table = (messages_table, schema)

    def statement(self) -> Select[Any]:
        """Return what reads the table."""
        return foreign_tables.langchain(*self._table)

    def convert(self, found: ForeignConversation) -> ConversationLoad:
        """Return a session as a conversation."""
        user_id = find_user(self._user_id, found.key)
        rows = [_Row.model_validate(row) for row in found.messages]
        identity = Identity.of(rows[0].created_at, NAME, user_id, found.key)
        return ConversationLoad(
            user_id=user_id,
            id=identity.conversation_id,
            messages=[_message(identity, row) for row in rows],
            metadata=origin(NAME, {"session_id": found.key}),
        )


def _read(given: object) -> object:
    return json.loads(given) if isinstance(given, str) else given


def _message(identity: Identity, row: _Row) -> MessageLoad:
    message = _Message.model_validate(row.message)
    return MessageLoad(
        id=identity.message_id(row.id, row.created_at),
        role=ROLES.get(message.type, ASSISTANT),
        content=text_of(parts_of(message.data.content)) if message.type in ROLES else "",
        tool_calls=_tool_calls(message.data),
        native=row.message,
        created_at=row.created_at,
    )


def _tool_calls(data: _Data) -> list[ToolCall]:
    if data.tool_call_id:
        return [ToolCall(data.tool_call_id, result=data.content, is_error=data.status == "error")]
    return [
        ToolCall(call.id or call.name, call.name, json.dumps(call.args, ensure_ascii=False))
        for call in data.tool_calls or ()
    ]
