"""Messages appended however many they are, and what was stored appended again."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from pydantic_ai import DeferredToolRequests, UserError

from chat_persistence import MessageCreate, MessageRead, MetadataSwap, UnitOfWork, UserChats
from chat_persistence.identifiers import uuid7
from chat_persistence.integrations.pydantic_ai.entries import is_copy, marked_again, marked_copy
from chat_persistence.integrations.pydantic_ai.native import REQUESTS, is_message, requests_json, without_requests

MANY = 1000
MANY_CHARS = 50_000_000
"""Half of what one append may have."""
FEW = 10
"""Messages that are together never longer than that, each within its own limits."""


async def append_all(
    chat: UserChats,
    conversation_id: UUID,
    messages: Sequence[MessageCreate],
    *,
    create_conversation: bool,
    expected_position: int,
    swap: MetadataSwap,
) -> None:
    """Append messages and change the metadata, all or none: one statement, or a unit of work for many messages."""
    first, *others = chunks(messages)
    if not others:
        await chat.messages.append(
            conversation_id,
            *first,
            create_conversation=create_conversation,
            expected_position=expected_position,
            swap=swap,
        )
        return
    async with chat.unit_of_work() as work:
        if create_conversation:
            await work.conversations.create(id=conversation_id)
        await append_within(work, conversation_id, messages, expected_position, swap)


async def append_within(
    work: UnitOfWork,
    conversation_id: UUID,
    messages: Sequence[MessageCreate],
    expected_position: int,
    swap: MetadataSwap | None = None,
) -> None:
    """Append messages in a unit of work, and change the metadata with the last of them, or alone without any."""
    position = expected_position
    *others, last = chunks(messages) if messages else [[]]
    for some in others:
        await work.messages.append(conversation_id, *some, expected_position=position)
        position += len(some)
    if last:
        await work.messages.append(conversation_id, *last, expected_position=position, swap=swap)
    elif swap is not None:
        await work.conversations.swap_metadata(conversation_id, swap, expected_position=position)


def chunks(messages: Sequence[MessageCreate]) -> list[list[MessageCreate]]:
    """Return messages in as many lots as it takes to append them."""
    return [list(messages)] if len(messages) <= FEW else list(_lots(messages))


def again(row: MessageRead) -> MessageCreate:
    """Return a message that was stored, to be stored once more where it was."""
    return _again(row, row.id, row.native, marked_copy(row, row.id) if is_copy(row) else marked_again(row))


def copy_of(row: MessageRead) -> MessageCreate:
    """Return a message for another conversation that stands for this one's entry."""
    copy_id = uuid7()
    return _again(row, copy_id, without_requests(row.native), marked_copy(row, copy_id))


def moved(row: MessageRead) -> MessageCreate:
    """Return a message for another conversation, by its own id if it has its entry's."""
    if is_copy(row):
        return copy_of(row)
    return _again(row, row.id, without_requests(row.native), marked_again(row))


def waiting_for(message: MessageCreate, requests: DeferredToolRequests) -> MessageCreate:
    """Return a message with the tool calls that its run waits for; raise `UserError` for another program's."""
    if not is_message(message.native):
        raise UserError("Deferred tool requests are saved with a message of Pydantic AI's: the newest is another's.")
    return message.model_copy(update={"native": {**message.native, REQUESTS: requests_json(requests)}})


def _again(row: MessageRead, id: UUID, native: Any, metadata: dict[str, Any] | None) -> MessageCreate:
    if row.unreadable:
        raise UserError(f"Message {row.id} cannot be read: its history cannot be kept as a branch.")
    return MessageCreate(
        id=id,
        role=row.role,
        content=row.content,
        tool_calls=row.tool_calls,
        native=native,
        metadata=metadata,
        token_count=row.token_count,
    )


def _lots(messages: Sequence[MessageCreate]) -> Iterator[list[MessageCreate]]:
    lot: list[MessageCreate] = []
    chars = 0
    for message in messages:
        size = _chars(message)
        if lot and (len(lot) == MANY or chars + size > MANY_CHARS):
            yield lot
            lot, chars = [], 0
        lot.append(message)
        chars += size
    yield lot


def _chars(message: MessageCreate) -> int:
    written = [message.native, message.metadata, *(call.arguments for call in message.tool_calls)]
    results = [call.result for call in message.tool_calls if call.has_result]
    return len(message.content) + len(json.dumps([*written, *results]))
