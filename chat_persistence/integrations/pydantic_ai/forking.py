"""A conversation that begins with another one's history, and then shares nothing with it."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from pydantic_ai.conversation_store import ConversationEntry, ConversationRecord

from chat_persistence import (
    ConversationChanged,
    ConversationConflict,
    ConversationNotFound,
    ConversationRead,
    MessageCreate,
    MessageNotFound,
    MessageRead,
    UnitOfWork,
    UserChats,
    conversation_id_of,
)
from chat_persistence.integrations.pydantic_ai.appending import again, append_within, waiting_for
from chat_persistence.integrations.pydantic_ai.branching import line_to, message_id_of
from chat_persistence.integrations.pydantic_ai.lines import all_rows
from chat_persistence.integrations.pydantic_ai.native import requests_json, requests_of
from chat_persistence.integrations.pydantic_ai.record_state import state_of, stored_record
from chat_persistence.integrations.pydantic_ai.writing import messages_of

FORK_ATTEMPTS = 5


async def fork_history(
    chat: UserChats, id: UUID, record: ConversationRecord, entries: Sequence[ConversationEntry], base: str
) -> None:
    """Make a conversation of the history up to an entry and what is new after it, in one unit of work.

    Its entries are copies, with ids of their own. Raise `ConversationConflict` when there is such a conversation, or
    the entry is nowhere.
    """
    for _ in range(FORK_ATTEMPTS):
        # The entry's message may be moved into a branch, or go, between being found and being copied.
        with suppress(ConversationChanged, ConversationNotFound):
            await _fork_history(chat, id, record, entries, base)
            return
    raise ConversationConflict(id)


async def _fork_history(
    chat: UserChats, id: UUID, record: ConversationRecord, entries: Sequence[ConversationEntry], base: str
) -> None:
    async with chat.unit_of_work() as work:
        end = await _message_of(work, base, record.forked_from)
        if end is None:
            raise ConversationConflict(id)
        fork = await work.conversations.fork(end.conversation_id, end.position, fork_id=id)
        stored = stored_record(fork)
        if stored.state is not None or fork.last_position != end.position:
            raise ConversationConflict(id)
        newest = await work.messages.last(id, 1)
        if not newest or newest[-1].position != end.position:
            raise ConversationChanged(end.conversation_id, end.position, fork.last_position)
        fork, added = await _added(work, fork, newest[-1], record, entries)
        head = str(added[-1].id if added else newest[-1].id)
        state = state_of(record, fork.last_position + len(added), [], head=head)
        await append_within(work, id, added, fork.last_position, stored.swap(state))


async def _message_of(work: UnitOfWork, entry_id: str, source: str | None) -> MessageRead | None:
    message_id = message_id_of(entry_id)
    if message_id is None:
        return None
    try:
        return await work.messages.get(message_id)
    except MessageNotFound:
        if source is None:
            return None
    conversation = await work.conversations.get(conversation_id_of(source))
    state = stored_record(conversation).state
    present = await all_rows(work.messages, conversation.id)
    line = await line_to(work, entry_id, present, [] if state is None else state.branch_conversations)
    return line[-1] if line else None


async def _added(
    work: UnitOfWork,
    fork: ConversationRead,
    newest: MessageRead,
    record: ConversationRecord,
    entries: Sequence[ConversationEntry],
) -> tuple[ConversationRead, list[MessageCreate]]:
    """Return the fork as it is then, and what is to be appended: the last message has the deferred requests."""
    requests = record.deferred_tool_requests
    if entries or requests is None or requests_json(requests) == requests_of(newest.native):
        return fork, messages_of(entries, requests if entries else None)
    rewound = await work.messages.rewind(fork.id, newest.position - 1, expected_position=fork.last_position)
    return rewound, [waiting_for(again(newest), requests)]
