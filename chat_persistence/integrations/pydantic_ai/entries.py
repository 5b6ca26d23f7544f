"""Stored messages as the entries of a conversation's log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_ai.conversation_store import ConversationEntry
from pydantic_ai.messages import ModelMessage

from chat_persistence import MessageRead
from chat_persistence.integrations.pydantic_ai.foreign import ForeignMessages
from chat_persistence.integrations.pydantic_ai.native import messages_from

MARK = "pydantic_ai_entry"
"""The key in the metadata of a message that is the copy of an entry: of which one, since when that is there, and the
message's own id. In a fork, which has the mark under other ids, it says nothing: the entries there are its own."""

_STEP = "/"
"""Between a message's id and the number of an entry in it: what another program stored in one message, a call and its
result say, are several of Pydantic AI's."""


def entry_id_of(row: MessageRead) -> str:
    """Return the id of the entry that a message is, or of the last one in it."""
    mark = _mark(row)
    stands_for = mark.get("id") if mark.get("message") == str(row.id) else None
    return stands_for if isinstance(stands_for, str) else str(row.id)


def is_copy(row: MessageRead) -> bool:
    """Whether a message is the copy of an entry that has a message of its id elsewhere."""
    return entry_id_of(row) != str(row.id)


def moment_of(row: MessageRead) -> datetime:
    """Return when a message was stored first: by that, what another program stored is the same wherever it is kept."""
    try:
        return datetime.fromisoformat(_mark(row)["at"])
    except (KeyError, TypeError, ValueError):
        return row.created_at


def marked_copy(row: MessageRead, id: UUID) -> dict[str, Any]:
    """Return the metadata of the message of that id, which stands for this one's entry."""
    return _marked(row, {"id": entry_id_of(row), "message": str(id)})


def marked_again(row: MessageRead) -> dict[str, Any]:
    """Return the metadata of this message, for when it is stored elsewhere by its own id."""
    return _marked(row, {})


def _marked(row: MessageRead, mark: dict[str, str]) -> dict[str, Any]:
    return {**(row.metadata or {}), MARK: {**mark, "at": moment_of(row).isoformat()}}


def _mark(row: MessageRead) -> dict[str, Any]:
    mark = (row.metadata or {}).get(MARK)
    return mark if isinstance(mark, dict) else {}


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
    *others, last = foreign.read(row, moment_of(row))
    return [(f"{entry_id}{_STEP}{place}", said) for place, said in enumerate(others, 1)] + [(entry_id, last)]
