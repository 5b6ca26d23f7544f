"""A history that does not go on where the conversation ends: what it leaves is kept in a conversation of its own.

A conversation always has the messages of its present history, so that other programs read that one. An entry has one
message of its own id, here or in a branch, and before it, wherever it is, the same others.
"""

from collections.abc import Sequence
from uuid import UUID

from pydantic_ai import UserError
from pydantic_ai.conversation_store import ConversationEntry, ConversationRecord

from chat_persistence import (
    ConversationConflict,
    ConversationNotFound,
    ConversationRead,
    MessageCreate,
    MessageNotFound,
    MessageRead,
    UnitOfWork,
    UserChats,
)
from chat_persistence.identifiers import uuid7
from chat_persistence.integrations.pydantic_ai.appending import again, append_within, copy_of, moved, waiting_for
from chat_persistence.integrations.pydantic_ai.entries import entry_id_of, is_copy, place_of
from chat_persistence.integrations.pydantic_ai.lines import all_rows, rows_through
from chat_persistence.integrations.pydantic_ai.record_state import branch_metadata, state_of, stored_record
from chat_persistence.integrations.pydantic_ai.writing import messages_of


async def change_history(
    chat: UserChats, id: UUID, record: ConversationRecord, entries: Sequence[ConversationEntry], expected_revision: str
) -> None:
    """Give a conversation the history that ends at the record's head, in one unit of work.

    Raise `ConversationConflict` when the record is another by now, or the entry is nowhere after which it goes on.
    """
    async with chat.unit_of_work() as work:
        conversation = await work.conversations.get(id)
        stored = stored_record(conversation)
        if stored.revision != expected_revision:
            raise ConversationConflict(id)
        branches = [] if stored.state is None else list(stored.state.branch_conversations)
        present = await all_rows(work.messages, id)
        base = entries[0].parent_id if entries else record.head_id
        line = await line_to(work, base, present, branches)
        if line is None:
            raise ConversationConflict(id)
        shared = _shared(present, line)
        rest = [copy_of(row) for row in line[shared:]]
        added, shared_or_less = _with_what_is_waited_for(record, entries, rest, present, shared)
        left = present[shared_or_less:]
        if left:
            to = present[shared_or_less - 1].position if shared_or_less else 0
            conversation = await work.messages.rewind(id, to, expected_position=stored.position)
        if not all(is_copy(row) for row in present[shared:]):
            branches.append(await _keep(work, conversation, present, shared))
        position = conversation.last_position + len(added)
        state = state_of(record, position, branches, head=record.head_id)
        await append_within(work, id, added, conversation.last_position, stored.swap(state))


async def line_to(
    work: UnitOfWork, entry_id: str | None, present: Sequence[MessageRead], branches: Sequence[UUID]
) -> list[MessageRead] | None:
    """Return the messages up to an entry, from the conversation or its branches; nothing when it is in none of them.

    Raise `UserError` for an entry in the middle of what another program stored as one message.
    """
    if entry_id is None:
        return []
    message_id = message_id_of(entry_id)
    if message_id is None:
        return None
    if (line := _up_to(present, entry_id)) is not None:
        return line
    try:
        return await rows_through(work.messages, message_id)
    except MessageNotFound:
        pass
    # The message of its own id is gone, by a rewind that was not Pydantic AI's say; copies of it may be there.
    for branch in branches:
        if (line := _up_to(await all_rows(work.messages, branch), entry_id)) is not None:
            return line
    return None


def message_id_of(entry_id: str) -> UUID | None:
    """Return the id of an entry's message, nothing for what is none; raise `UserError` in the middle of a message."""
    try:
        message_id, step = place_of(entry_id)
    except LookupError:
        return None
    if step is not None:
        raise UserError(f"Entry {entry_id!r} and what follows it were stored as one message: branch before or after.")
    return message_id


async def delete_branches(work: UnitOfWork, branches: Sequence[UUID]) -> None:
    """Delete what a conversation has left; a host may have deleted some of it before."""
    for branch in branches:
        try:
            await work.conversations.delete(branch)
        except ConversationNotFound:
            continue


def _up_to(rows: Sequence[MessageRead], entry_id: str) -> list[MessageRead] | None:
    for place, row in enumerate(rows, 1):
        if entry_id_of(row) == entry_id:
            return list(rows[:place])
    return None


def _shared(present: Sequence[MessageRead], line: Sequence[MessageRead]) -> int:
    pairs = zip(present, line, strict=False)
    return next(
        (place for place, (ours, theirs) in enumerate(pairs) if entry_id_of(ours) != entry_id_of(theirs)),
        min(len(present), len(line)),
    )


def _with_what_is_waited_for(
    record: ConversationRecord,
    entries: Sequence[ConversationEntry],
    rest: Sequence[MessageCreate],
    present: Sequence[MessageRead],
    shared: int,
) -> tuple[list[MessageCreate], int]:
    """Return what is to be appended, and after how many of the present messages; the last has the deferred requests."""
    requests = record.deferred_tool_requests
    if entries or requests is None:
        return [*rest, *messages_of(entries, requests)], shared
    if rest:
        return [*rest[:-1], waiting_for(rest[-1], requests)], shared
    if shared:
        return [waiting_for(again(present[shared - 1]), requests)], shared - 1
    raise UserError("Deferred tool requests are saved with a message: this conversation has none.")


async def _keep(work: UnitOfWork, conversation: ConversationRead, present: Sequence[MessageRead], shared: int) -> UUID:
    """Make an archived conversation of a history that was left, and return its id."""
    branch = uuid7()
    metadata = branch_metadata(branch, conversation.id)
    await work.conversations.create(id=branch, title=conversation.title, metadata=metadata)
    await work.conversations.archive(branch)
    copies = [copy_of(row) for row in present[:shared]]
    left = [moved(row) for row in present[shared:]]
    await append_within(work, branch, [*copies, *left], 0)
    return branch
