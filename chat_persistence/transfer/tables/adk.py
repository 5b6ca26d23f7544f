"""The tables of Google's ADK: sessions and their events."""

import json
from typing import Any

from sqlalchemy import Select

from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.statements import foreign_tables
from chat_persistence.transfer.conversion import ASSISTANT, USER, NotImportable, Time, origin
from chat_persistence.transfer.identities import Identity
from chat_persistence.transfer.tables.source import ForeignConversation
from chat_persistence.values import Text, ToolCall

NAME = "adk"


class _Function(Shape):
    id: Text | None = None
    name: Text
    args: Any = None
    response: Any = None


class _Part(Shape):
    text: Text | None = None
    thought: bool | None = None
    function_call: _Function | None = None
    function_response: _Function | None = None


class _Content(Shape):
    parts: list[_Part] | None = None


class _Event(Shape):
    author: Text
    content: _Content | None = None
    timestamp: Time | None = None

    @property
    def parts(self) -> list[_Part]:
        return (self.content.parts if self.content else None) or []


class _Row(Shape):
    id: Text
    timestamp: Time
    event_data: dict[str, Any] | None = None


class _Session(Shape):
    user_id: Text
    create_time: Time
    update_time: Time


class GoogleADK:
    """The sessions of a `DatabaseSessionService`, each with its own user."""

    def __init__(self, *, schema: str | None = None) -> None:
        self._schema = schema

    def statement(self) -> Select[Any]:
        """Return what reads the tables."""
        return foreign_tables.adk(self._schema)

    def convert(self, found: ForeignConversation) -> ConversationLoad:
        """Return a session as a conversation; its state is in the metadata."""
        session = _Session.model_validate(found.head)
        identity = Identity.of(session.create_time, NAME, found.key)
        return ConversationLoad(
            user_id=session.user_id,
            id=identity.conversation_id,
            messages=[_message(identity, _Row.model_validate(row)) for row in found.messages],
            metadata=origin(NAME, found.head),
            created_at=session.create_time,
            updated_at=session.update_time,
        )


def _message(identity: Identity, row: _Row) -> MessageLoad:
    if row.event_data is None:
        raise NotImportable("an event without its data, as older versions stored them: migrate the tables by ADK first")
    event = _Event.model_validate(row.event_data)
    # Its column has no zone, and was the server's.
    said_at = event.timestamp or row.timestamp
    texts = [part.text for part in event.parts if part.text and not part.thought]
    return MessageLoad(
        id=identity.message_id(row.id, said_at),
        role=USER if event.author == "user" else ASSISTANT,
        content="\n".join(texts),
        tool_calls=[call for part in event.parts for call in _tool_calls(part)],
        native=row.event_data,
        created_at=said_at,
    )


def _tool_calls(part: _Part) -> list[ToolCall]:
    if part.function_call:
        call = part.function_call
        return [ToolCall(call.id or call.name, call.name, json.dumps(call.args, ensure_ascii=False))]
    if part.function_response:
        answer = part.function_response
        return [ToolCall(answer.id or answer.name, result=answer.response)]
    return []
