"""Stored messages as the entries of a conversation's log."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic_ai.conversation_store import ConversationEntry
from pydantic_ai.messages import ModelMessage

from chat_persistence import MessageRead
from chat_persistence.integrations.pydantic_ai.foreign import ForeignMessages
from chat_persistence.integrations.pydantic_ai.native import messages_from

MARK = "pydantic_ai_entry"
"""The key in the metadata of the copy of an entry: of which one, and in what conversation it stands for it.
In a fork that a host makes, which copies the mark too, it stands for none: the entries there are the fork's own."""

_STEP = "/"
"""Between a message's id and the number of an entry in it: what another program stored in one message, a call and its
result say, are several of Pydantic AI's."""


def entry_id_of(row: MessageRead) -> str:
    """Return the id of the entry that a message is, or of the last one in it."""
    mark = (row.metadata or {}).get(MARK)
    if isinstance(mark, dict) and mark.get("conversation") == str(row.conversation_id):
        entry_id = mark.get("id")
        if isinstance(entry_id, str):
            return entry_id
    return str(row.id)


def is_copy(row: MessageRead) -> bool:
    """Whether a message is the copy of an entry that has a message of its id elsewhere."""
    return entry_id_of(row) != str(row.id)


def marked(metadata: dict[str, Any] | None, entry_id: str, conversation_id: UUID) -> dict[str, Any]:
    """Return the metadata of a message that stands for an entry in a conversation."""
    return {**(metadata or {}), MARK: {"id": entry_id, "conversation": str(conversation_id)}}


def unmarked(metadata: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the metadata of a message that has its entry's id."""
    return {key: value for key, value in (metadata or {}).items() if key != MARK} or None


def place_of(entry_id: str) -> tuple[UUID, int | None]:
    """Return the id of an entry's message, and which of the entries in it it is; without one, it is the last.

    Raise `LookupError` for what is no such id.
    """
    written, _, step = entry_id.partition(_STEP)
    try:
        return UUID(written), int(step) if step else None
    except ValueError:
        raise LookupError(entry_id) from None


def entries_of(rows: Sequence[MessageRead], parent_id: str | None = None) -> list[ConversationEntry]:
    """Return the entries of messages, oldest first, the first of them after `parent_id`."""
    foreign = ForeignMessages()
    entries: list[ConversationEntry] = []
    for row, message in zip(rows, messages_from([row.native for row in rows]), strict=True):
        for entry_id, said in _said(row, message, foreign):
            entries.append(ConversationEntry(id=entry_id, parent_id=parent_id, message=said))
            parent_id = entry_id
    return entries


def _said(row: MessageRead, message: ModelMessage | None, foreign: ForeignMessages) -> list[tuple[str, ModelMessage]]:
    entry_id = entry_id_of(row)
    if message is not None:
        foreign.take_note(row)
        return [(entry_id, message)]
    *others, last = foreign.read(row)
    return [(f"{entry_id}{_STEP}{place}", said) for place, said in enumerate(others, 1)] + [(entry_id, last)]
