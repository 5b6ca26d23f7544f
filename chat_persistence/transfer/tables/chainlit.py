"""The tables of Chainlit's SQLAlchemy data layer: threads and their steps."""

from typing import Any

from sqlalchemy import Select

from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.statements import foreign_tables
from chat_persistence.transfer.conversion import ASSISTANT, USER, NotImportable, Time, origin, title_of
from chat_persistence.transfer.identities import Identity
from chat_persistence.transfer.tables.source import ForeignConversation
from chat_persistence.values import Text, ToolCall

NAME = "chainlit"

SAID = ("user_message", "assistant_message")
"""What a person reads; all other steps stay in `native`."""


class _Step(Shape):
    id: Text
    type: Text
    name: Text
    input: Text | None = None
    output: Text | None = None
    isError: bool | None = None  # noqa: N815 (Chainlit's)
    createdAt: Time | None = None  # noqa: N815


class _Thread(Shape):
    name: Text | None = None
    userIdentifier: Text | None = None  # noqa: N815
    createdAt: Time | None = None  # noqa: N815


class Chainlit:
    """Chainlit's threads, each with the identifier of its user; one that nobody owns is not imported."""

    def __init__(self, *, schema: str | None = None) -> None:
        self._schema = schema

    def statement(self) -> Select[Any]:
        """Return what reads the tables."""
        return foreign_tables.chainlit(self._schema)

    def convert(self, found: ForeignConversation) -> ConversationLoad:
        """Return a thread as a conversation."""
        thread = _Thread.model_validate(found.head)
        user_id = found.user or thread.userIdentifier
        if user_id is None:
            raise NotImportable("the thread has no user")
        identity = Identity.of(thread.createdAt, NAME, user_id, found.key)
        return ConversationLoad(
            user_id=user_id,
            id=identity.conversation_id,
            title=title_of(thread.name),
            messages=[_message(identity, _Step.model_validate(row), row) for row in found.messages],
            metadata=origin(NAME, found.head),
            created_at=thread.createdAt,
        )


def _message(identity: Identity, step: _Step, row: dict[str, Any]) -> MessageLoad:
    return MessageLoad(
        id=identity.message_id(step.id, step.createdAt),
        role=USER if step.type == "user_message" else ASSISTANT,
        content=step.output or "" if step.type in SAID else "",
        tool_calls=_tool_calls(step),
        native=row,
        created_at=step.createdAt,
    )


def _tool_calls(step: _Step) -> list[ToolCall]:
    if step.type != "tool":
        return []
    return [ToolCall(step.id, step.name, step.input or "", step.output, bool(step.isError))]
