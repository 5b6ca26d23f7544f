"""The tables of OpenAI's Agents SDK: a session's items, those of the Responses API above all."""

from typing import Any

from pydantic import Json
from sqlalchemy import Select

from chat_persistence.derived_ids import conversation_id_of
from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.provider_formats.openai_sessions import message_of_item
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.statements import foreign_tables
from chat_persistence.transfer.conversion import Time, origin
from chat_persistence.transfer.identities import Identity
from chat_persistence.transfer.tables.source import ForeignConversation, UserOf, find_user

NAME = "openai-agents"


class _Row(Shape):
    id: int
    message_data: Json[dict[str, Any]]
    created_at: Time


class _Session(Shape):
    created_at: Time
    updated_at: Time


class OpenAIAgents:
    """The sessions of a `SQLAlchemySession`. They have no user, so one is given, or found in a session's id.

    A session is the conversation `conversation_id_of(session_id)`, so that a `ChatSession` of that id goes on with it.
    """

    def __init__(
        self,
        *,
        user_id: UserOf,
        sessions_table: str = "agent_sessions",
        messages_table: str = "agent_messages",
        schema: str | None = None,
    ) -> None:
        self._user_id = user_id
        self._tables = (sessions_table, messages_table, schema)

    def statement(self) -> Select[Any]:
        """Return what reads the tables."""
        return foreign_tables.openai_agents(*self._tables)

    def convert(self, found: ForeignConversation) -> ConversationLoad:
        """Return a session as a conversation."""
        user_id = find_user(self._user_id, found.key)
        session = _Session.model_validate(found.head)
        identity = Identity(conversation_id_of(found.key))
        return ConversationLoad(
            user_id=user_id,
            id=identity.conversation_id,
            messages=[_message(identity, _Row.model_validate(row)) for row in found.messages],
            metadata=origin(NAME, {"session_id": found.key}),
            created_at=session.created_at,
            updated_at=session.updated_at,
        )


def _message(identity: Identity, row: _Row) -> MessageLoad:
    message = message_of_item(row.message_data)
    return MessageLoad(
        id=identity.message_id(row.id, row.created_at),
        role=message.role,
        content=message.content,
        tool_calls=message.tool_calls,
        native=message.native,
        metadata=message.metadata,
        created_at=row.created_at,
    )
