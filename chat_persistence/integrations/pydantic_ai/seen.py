"""What was last read of conversations, for the writes that follow."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic_ai.conversation_store import ConversationRecord

from chat_persistence import ConversationRead, MessageRead
from chat_persistence.integrations.pydantic_ai.entries import entry_id_of
from chat_persistence.integrations.pydantic_ai.native import requests_from, requests_of
from chat_persistence.integrations.pydantic_ai.record_state import Stored, stored_record

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MANY = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """A conversation as it was at one moment: its record as it is stored, and where its history ended."""

    stored: Stored
    head: str | None
    requests: Any = None
    """Of the newest message, as JSON, whether they are still waited for or not."""

    @property
    def branch_conversations(self) -> list[UUID]:
        """Where the messages are that the conversation has left."""
        return [] if self.stored.state is None else self.stored.state.branch_conversations


def seen_of(conversation: ConversationRead, newest: MessageRead | None) -> Seen:
    """Return what was seen of a conversation and its newest message."""
    stored = stored_record(conversation)
    if newest is None:
        return Seen(stored, None)
    return Seen(stored, entry_id_of(newest), requests_of(newest.native))


def record_of(conversation_id: str, conversation: ConversationRead, seen: Seen) -> ConversationRecord:
    """Return the record of a conversation, by the name it was asked for."""
    state = seen.stored.state
    record = ConversationRecord(
        conversation_id=conversation_id,
        head_id=seen.head,
        scope=conversation.user_id,
        revision=seen.stored.revision,
        updated_at=conversation.updated_at,
        # Of a fork that was not made by Pydantic AI, for which the state says nothing.
        forked_from=None if conversation.forked_from is None else str(conversation.forked_from),
    )
    if state is not None:
        record.usage = state.usage
        record.forked_from, record.forked_at = state.forked_from, state.forked_at
        record.branches = list(state.branches)
        # What others have appended since has answered them, or nothing will.
        if seen.stored.is_current and state.deferred and seen.requests is not None:
            record.deferred_tool_requests = requests_from(seen.requests)
    return record


class Recent(Generic[Key, Value]):
    """The newest 1,000 of what was remembered."""

    def __init__(self) -> None:
        self._items: OrderedDict[Key, Value] = OrderedDict()

    def remember(self, key: Key, value: Value) -> None:
        """Remember a value by its key."""
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > MANY:
            self._items.popitem(last=False)

    def find(self, key: Key) -> Value | None:
        """Return what was remembered, if it still is."""
        return self._items.get(key)
