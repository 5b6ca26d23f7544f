"""A history that goes on where the conversation ends, or begins a conversation."""

from collections.abc import Sequence
from uuid import UUID

from pydantic_ai import UserError
from pydantic_ai.conversation_store import ConversationEntry, ConversationRecord

from chat_persistence import (
    ConversationChanged,
    ConversationConflict,
    MessageRead,
    MetadataSwap,
    UnitOfWork,
    UserChats,
)
from chat_persistence.integrations.pydantic_ai.appending import again, append_all, append_within, waiting_for
from chat_persistence.integrations.pydantic_ai.native import requests_json
from chat_persistence.integrations.pydantic_ai.record_state import KEY, Stored, state_of
from chat_persistence.integrations.pydantic_ai.seen import Seen
from chat_persistence.integrations.pydantic_ai.writing import messages_of

NOTHING_YET = Seen(Stored("", 0, None, None, is_current=False), None)
"""What is seen of a conversation that is to be created."""


async def extend(
    chat: UserChats,
    id: UUID,
    record: ConversationRecord,
    entries: Sequence[ConversationEntry],
    seen: Seen,
    *,
    create_conversation: bool = False,
) -> None:
    """Write a record and append its new entries: one statement. Raise `ConversationChanged` when others were faster."""
    requests = record.deferred_tool_requests
    if not entries and requests is not None and requests_json(requests) != seen.requests:
        await _wait_anew(chat, id, record, seen)
        return
    position = seen.stored.position
    head = entries[-1].id if entries else seen.head
    state = state_of(record, position + len(entries), seen.branch_conversations, head=head)
    swap = seen.stored.swap(state)
    if entries:
        messages = messages_of(entries, requests)
        await append_all(
            chat, id, messages, create_conversation=create_conversation, expected_position=position, swap=swap
        )
    else:
        await chat.conversations.swap_metadata(id, swap, expected_position=position)


async def create_empty(chat: UserChats, id: UUID, record: ConversationRecord) -> None:
    """Create a conversation that has no messages yet; raise `ConversationChanged` when there is one."""
    if record.deferred_tool_requests is not None:
        raise UserError("Deferred tool requests are saved with a message: this conversation has none.")
    state = state_of(record, 0, [], head=None).model_dump(mode="json")
    created = await chat.conversations.create(id=id, metadata={KEY: state})
    if created.metadata.get(KEY) == state:
        return
    if created.last_position:
        raise ConversationChanged(id, 0, created.last_position)
    # A host may have created it, and left it to the agent.
    await chat.conversations.swap_metadata(id, MetadataSwap(KEY, state, None), expected_position=0)


async def _wait_anew(chat: UserChats, id: UUID, record: ConversationRecord, seen: Seen) -> None:
    """Store the newest message once more, with the tool calls that its run waits for now."""
    requests = record.deferred_tool_requests
    if seen.head is None or requests is None:
        raise UserError("Deferred tool requests are saved with a message: this conversation has none.")
    async with chat.unit_of_work() as work:
        newest = await _newest(work, id)
        expected = seen.stored.position
        conversation = await work.messages.rewind(id, newest.position - 1, expected_position=expected)
        position = conversation.last_position
        state = state_of(record, position + 1, seen.branch_conversations, head=seen.head)
        again_waiting = [waiting_for(again(newest), requests)]
        await append_within(work, id, again_waiting, position, seen.stored.swap(state))


async def _newest(work: UnitOfWork, id: UUID) -> MessageRead:
    rows = await work.messages.last(id, 1)
    if not rows:
        raise ConversationConflict(id)  # deleted, or rewound to its beginning, since it was read
    return rows[-1]
