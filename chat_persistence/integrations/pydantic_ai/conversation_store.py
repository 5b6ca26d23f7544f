"""Pydantic AI's conversation store, made of one user's chats."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from uuid import UUID

from pydantic_ai import UserError
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
)

from chat_persistence import (
    ConversationChanged,
    ConversationNotFound,
    ConversationRead,
    MessageConflict,
    MessageNotFound,
    MessageRead,
    MetadataSwap,
    UserChats,
    conversation_id_of,
)
from chat_persistence import ConversationConflict as ForkConflict
from chat_persistence.identifiers import uuid7
from chat_persistence.integrations.pydantic_ai.branching import change_history, delete_branches
from chat_persistence.integrations.pydantic_ai.entries import entries_of, entry_id_of, place_of
from chat_persistence.integrations.pydantic_ai.extending import NOTHING_YET, create_empty, extend
from chat_persistence.integrations.pydantic_ai.forking import fork_history
from chat_persistence.integrations.pydantic_ai.lines import rows_through
from chat_persistence.integrations.pydantic_ai.record_state import KEY, is_branch, stored_record
from chat_persistence.integrations.pydantic_ai.seen import Recent, Seen, record_of, seen_of

LISTED_PAGE = 1000


class ChatConversationStore(ConversationStore):
    """Keeps conversations of Pydantic AI agents among one user's chats: `ChatConversationStore(store.for_user("ada"))`.

    A conversation's id is any text of 1 to 1,000 characters; what `conversation_id_of` makes of it is the conversation
    that every other program reads. Its scope is the user: another one is refused with `UserError` when it is to be
    written, and finds nothing when it is read. Each message is a row, whose id is its entry's, and the messages that
    other programs store are entries as well. A save that finds such ones appended since the load is
    `ConversationConflict`; everything else that `chat_persistence` raises comes as it is.

    What a conversation leaves, by `branch` or by a save of a rewritten history, is kept in archived conversations, of
    which it has the ids, each with all that was said before; a fork is a conversation of its own, whose entries are
    copies. So `delete` erases all of a conversation's messages, and none of a fork's.

    Cheap to make, and safe to share between tasks.
    """

    def __init__(self, chat: UserChats) -> None:
        self._chat = chat
        self._seen = Recent[tuple[UUID, str], Seen]()
        self._messages = Recent[str, UUID]()  # of heads that are copies

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        """Return a conversation's record: one statement."""
        chat_id = conversation_id_of(conversation_id)
        try:
            found = await self._chat.conversations.get_with_messages(chat_id, 1)
        except ConversationNotFound:
            return None
        if is_branch(found.conversation):
            return None
        newest = found.messages[-1] if found.messages else None
        seen = seen_of(found.conversation, newest)
        self._seen.remember((chat_id, seen.stored.revision), seen)
        if newest is not None and seen.head is not None and seen.head != str(newest.id):
            self._messages.remember(seen.head, newest.id)
        return record_of(conversation_id, found.conversation, seen)

    async def read_records(self, *, scope: str | None = None, limit: int | None = None) -> Sequence[ConversationRecord]:
        """Return the records of the conversations that are not archived, newest activity first.

        One statement for each 1,000, and another one for each conversation whose newest message has to be looked at:
        one that other programs have written to since, or whose run waits for tools.
        """
        if scope not in (None, self._chat.user_id):
            return []
        records: list[ConversationRecord] = []
        async for conversation in self._conversations(limit):
            if limit is not None and len(records) == limit:
                break
            record = await self._listed(conversation)
            if record is not None:
                records.append(record)
        return records

    async def read_history(self, head_id: str | None, *, limit: int | None = None) -> list[ConversationEntry]:
        """Return the entries up to one of them, or the last `limit`: one statement up to 1,000, and one for each more.

        Raise `LookupError` when there is no such entry.
        """
        if head_id is None or limit == 0:
            return []
        try:
            # One more has the id of the entry before the first.
            rows = await self._rows_through(head_id, None if limit is None else limit + 1)
        except MessageNotFound:
            raise LookupError(head_id) from None
        is_cut = limit is not None and len(rows) > limit
        entries = _up_to(head_id, entries_of(rows[1:], entry_id_of(rows[0])) if is_cut else entries_of(rows))
        return entries if limit is None else entries[-limit:]

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        """Return an entry: one statement. Raise `LookupError` when there is none."""
        return (await self.read_history(entry_id, limit=1))[0]

    async def branch(
        self,
        conversation_id: str,
        *,
        at: int | None = None,
        from_entry: str | None = None,
        expected_revision: str | None,
        scope: str | None = None,
    ) -> Conversation:
        """Branch as every conversation store does; a branch that a host has deleted since is forgotten."""
        branch = partial(super().branch, conversation_id, at=at, from_entry=from_entry, scope=scope)
        try:
            return await branch(expected_revision=expected_revision)
        except LookupError:
            return await branch(expected_revision=await self._forget_lost_branches(conversation_id, expected_revision))

    async def fork(
        self,
        conversation_id: str,
        *,
        at: int | None = None,
        from_entry: str | None = None,
        new_conversation_id: str | None = None,
        scope: str | None = None,
        source_scope: str | None = None,
    ) -> Conversation:
        """Fork as every conversation store does; a branch that a host has deleted since is forgotten."""
        fork = partial(super().fork, at=at, from_entry=from_entry, scope=scope, source_scope=source_scope)
        try:
            return await fork(conversation_id, new_conversation_id=new_conversation_id)
        except LookupError:
            await self._forget_lost_branches(conversation_id)
            return await fork(conversation_id, new_conversation_id=new_conversation_id)

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        """Store a record and its new entries: one statement where the history goes on, else a unit of work.

        Raise `ConversationConflict`; `UserError` for the scope of anybody else, and for deferred tool requests without
        a message; `InvalidInput` for what cannot be stored.
        """
        if record.scope not in (None, self._chat.user_id):
            raise UserError("This store has one user's conversations: the scope is that user, or None.")
        with _conflicts(record.conversation_id):
            if expected_revision is None:
                await self._create(record, new_entries)
            else:
                await self._replace(record, new_entries, expected_revision)

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        """Delete a conversation with its messages, those in the branches that it left included, in a unit of work."""
        chat_id = conversation_id_of(conversation_id)
        with _conflicts(conversation_id):
            seen = await self._last_seen(conversation_id, expected_revision)
            async with self._chat.unit_of_work() as work:
                gone = MetadataSwap(KEY, {"revision": str(uuid7())}, seen.stored.expected)
                await work.conversations.swap_metadata(chat_id, gone, expected_position=seen.stored.position)
                await delete_branches(work, seen.branch_conversations)
                await work.conversations.delete(chat_id)

    async def _forget_lost_branches(self, conversation_id: str, expected_revision: str | None = None) -> str:
        """Write a conversation's record without the branches that are not there any more, and return its revision."""
        record = await self.read_record(conversation_id)
        if record is None or expected_revision not in (None, record.revision):
            raise ConversationConflict(conversation_id)
        branches = [tip for tip in record.branches if await self._is_there(tip)]
        left = replace(record, branches=branches, revision=str(uuid7()))
        await self.write_record(left, expected_revision=record.revision)
        return left.revision

    async def _is_there(self, entry_id: str) -> bool:
        try:
            await self.read_entry(entry_id)
        except LookupError:
            return False
        return True

    async def _create(self, record: ConversationRecord, entries: Sequence[ConversationEntry]) -> None:
        chat_id = conversation_id_of(record.conversation_id)
        base = entries[0].parent_id if entries else record.head_id
        if base is not None:
            await fork_history(self._chat, chat_id, record, entries, base)
        elif entries:
            await extend(self._chat, chat_id, record, entries, NOTHING_YET, create_conversation=True)
        else:
            await create_empty(self._chat, chat_id, record)

    async def _replace(
        self, record: ConversationRecord, entries: Sequence[ConversationEntry], expected_revision: str
    ) -> None:
        chat_id = conversation_id_of(record.conversation_id)
        seen = await self._last_seen(record.conversation_id, expected_revision)
        base = entries[0].parent_id if entries else record.head_id
        if base == seen.head:
            await extend(self._chat, chat_id, record, entries, seen)
        else:
            await change_history(self._chat, chat_id, record, entries, expected_revision)

    async def _last_seen(self, conversation_id: str, revision: str) -> Seen:
        """Return what was seen of a conversation at that revision; read again when it is not remembered any more."""
        place = conversation_id_of(conversation_id), revision
        seen = self._seen.find(place)
        if seen is None:
            await self.read_record(conversation_id)
            seen = self._seen.find(place)
        if seen is None:
            raise ConversationConflict(conversation_id)
        return seen

    async def _rows_through(self, entry_id: str, how_many: int | None) -> list[MessageRead]:
        message_id, _ = place_of(entry_id)
        copy_id = self._messages.find(entry_id)
        if copy_id is not None:
            try:
                return await rows_through(self._chat.messages, copy_id, how_many)
            except MessageNotFound:
                pass  # the conversation has gone on in another way since
        return await rows_through(self._chat.messages, message_id, how_many)

    async def _conversations(self, limit: int | None) -> AsyncIterator[ConversationRead]:
        cursor: str | None = None
        page_limit = LISTED_PAGE if limit is None else min(limit, LISTED_PAGE)
        while page_limit:
            page = await self._chat.conversations.page(page_limit, after=cursor)
            for conversation in page.items:
                yield conversation
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _listed(self, conversation: ConversationRead) -> ConversationRecord | None:
        if is_branch(conversation):
            return None
        stored = stored_record(conversation)
        name = str(conversation.id) if stored.state is None else stored.state.conversation_id
        if stored.state is not None and stored.is_current and not stored.state.deferred:
            return record_of(name, conversation, Seen(stored, stored.state.head))
        if not conversation.message_count:
            return record_of(name, conversation, Seen(stored, None))
        return await self.read_record(name)


@contextmanager
def _conflicts(conversation_id: str) -> Iterator[None]:
    """Have what says that somebody else was faster be Pydantic AI's word for it.

    `MessageConflict` is of entries that were stored, and have been left for a branch before they were repeated.
    """
    try:
        yield
    except (ConversationChanged, ConversationNotFound, ForkConflict, MessageConflict) as error:
        raise ConversationConflict(conversation_id) from error


def _up_to(entry_id: str, entries: list[ConversationEntry]) -> list[ConversationEntry]:
    """Return the entries up to one of the last message's."""
    for place in range(len(entries), 0, -1):
        if entries[place - 1].id == entry_id:
            return entries[:place]
    raise LookupError(entry_id)
