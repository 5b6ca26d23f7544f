"""What one can do with one's replies in the making."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chat_persistence.append_run import append_batch
from chat_persistence.batch import Batch
from chat_persistence.compilation import Statement
from chat_persistence.cursors import id_cursor, read_id_cursor
from chat_persistence.draft import Draft
from chat_persistence.draft_parts import Part, draft_from, is_part, only_part, sealed_part
from chat_persistence.draft_storing import PartOutcome
from chat_persistence.draft_values import ABORTED, DraftRead, joined_metadata
from chat_persistence.errors import (
    ConversationNotFound,
    DatabaseFailure,
    MessageConflict,
    MessageNotFound,
)
from chat_persistence.execution import Execution, Rows
from chat_persistence.identifiers import uuid7
from chat_persistence.models import MessageRole
from chat_persistence.options import Options
from chat_persistence.sealed_text import Seal
from chat_persistence.statements import appending
from chat_persistence.statements import drafts as statements
from chat_persistence.statements import messages as message_statements
from chat_persistence.text import read_json, to_json
from chat_persistence.translation import FOREIGN_KEY_VIOLATION
from chat_persistence.user_seals import read_message, seals_of
from chat_persistence.validation import check_chars, check_id, check_limit, check_model, check_seconds
from chat_persistence.values import MessageCreate, MessageRead, Page

FLUSH_SECONDS = 0.5
FLUSH_CHARS = 4_096

STORING_ATTEMPTS = 3
"""With a key that was destroyed meanwhile, nothing is stored."""


class DraftRepository:
    """One user's replies in the making. Each of their operations is a transaction of its own.

    A draft is there from its first part on, until it is a message, or was discarded. All methods raise `InvalidInput`
    before any SQL is sent for what cannot be stored.
    """

    def __init__(self, user_id: str, execution: Execution, options: Options) -> None:
        self._user_id = user_id
        self._execution = execution
        self._options = options
        self._seals = seals_of(user_id, execution, options)

    def begin(
        self,
        conversation_id: UUID,
        *,
        id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        flush_seconds: float = FLUSH_SECONDS,
        flush_chars: int = FLUSH_CHARS,
    ) -> Draft:
        """Return a reply to receive, in `async with`; nothing is sent yet.

        `id` is that of the message to be, `metadata` goes with it however the reply ends. What was received is
        stored after `flush_seconds`, or so many characters. Of two that are begun with the same id, the parts of the
        first are stored, and the message of whoever finishes first.
        """
        check_id(conversation_id, "conversation_id")
        limits = self._options.limits
        # As it is now, and sure to be stored when the reply breaks off.
        given = joined_metadata(metadata)
        kept = None if given is None else read_json(to_json(given, "metadata", limits.json_chars))
        return Draft(
            self,
            conversation_id,
            uuid7() if id is None else check_id(id, "id"),
            kept,
            limits,
            check_seconds(flush_seconds, "flush_seconds"),
            check_chars(flush_chars, "flush_chars"),
        )

    async def page(self, conversation_id: UUID, limit: int = 20, *, after: str | None = None) -> Page[DraftRead]:
        """Return the drafts of a conversation, by their ids: those being received, and those of crashed processes.

        When nobody receives it any more is for the caller to say, by `updated_at`. `after` takes a page's
        `next_cursor`. Without such a conversation it is empty.
        """
        chat = check_id(conversation_id, "conversation_id")
        check_limit(limit)
        scope = ("drafts", self._user_id, str(conversation_id))
        message_after = None if after is None else read_id_cursor(scope, after, "after")
        rows = await self._execution.fetch(
            statements.page, owner=self._user_id, chat=chat, message_after=message_after, how_many=limit + 1
        )
        items = await self._drafts_from(rows[:limit])
        return Page(items, id_cursor(scope, items[-1].id) if len(rows) > limit else None)

    async def finish(
        self, conversation_id: UUID, id: UUID, *, metadata: Mapping[str, Any] | None = None
    ) -> MessageRead:
        """Make a draft that nobody receives any more its message, as far as it was stored, and return that.

        Repeatable, also by several at once: what is a message already is returned as it is. A receiver that is still
        alive finds the draft closed. Raise `MessageNotFound` when there is neither.
        """
        chat = check_id(conversation_id, "conversation_id")
        draft = await self._read(chat, check_id(id, "id"))
        if draft is not None:
            message = check_model(
                MessageCreate,
                {
                    "id": id,
                    "role": MessageRole.ASSISTANT,
                    "content": draft.content,
                    "native": draft.native or None,
                    "metadata": metadata,
                },
            )
            try:
                return await self._store_message(chat, message)
            except MessageConflict:
                pass  # another one was faster, or knew of one part more or less
        return await self._stored(chat, id)

    async def abort(self, conversation_id: UUID, id: UUID, *, metadata: Mapping[str, Any] | None = None) -> MessageRead:
        """Do what `finish` does, with `"aborted": true` in the message's metadata."""
        return await self.finish(conversation_id, id, metadata=joined_metadata(metadata, {ABORTED: True}))

    async def discard(self, conversation_id: UUID, id: UUID) -> None:
        """Delete a draft, if it is there; a message that it has become stays."""
        await self._remove(check_id(conversation_id, "conversation_id"), check_id(id, "id"))

    async def _store_part(self, conversation_id: UUID, id: UUID, part: Part) -> PartOutcome:
        # None for an equal part that was being stored meanwhile, as after a lost answer: once more it is seen.
        outcome = await self._try_part(conversation_id, id, part) or await self._try_part(conversation_id, id, part)
        return outcome or PartOutcome.CLOSED

    async def _try_part(self, conversation_id: UUID, id: UUID, part: Part) -> PartOutcome | None:
        told = {row[0] for row in await self._add(conversation_id, id, part)}
        if statements.IS_MESSAGE in told:
            return PartOutcome.CLOSED
        if statements.OTHER in told and not await self._is_there(conversation_id, id, part):
            return PartOutcome.TAKEN
        if not told and self._seals is not None:
            self._seals.doubt_key()
        return PartOutcome.STORED if told else None

    async def _add(self, conversation_id: UUID, id: UUID, part: Part) -> Rows:
        if self._seals is None:
            return await self._fetch_added(statements.add, conversation_id, id, part)

        async def add(seal: Seal) -> Rows:
            sealed = sealed_part(part, conversation_id, id, seal)
            return await self._fetch_added(statements.add_sealed, conversation_id, id, sealed, key_id=seal.key_id)

        return await self._seals.with_seal(add)

    async def _fetch_added(
        self, statement: Statement, conversation_id: UUID, id: UUID, part: Part, **arguments: Any
    ) -> Rows:
        try:
            return await self._execution.fetch(
                statement,
                owner=self._user_id,
                chat=conversation_id,
                message=id,
                place=part.number,
                said=part.content,
                said_natively=part.native,
                **arguments,
            )
        except DatabaseFailure as failure:
            if failure.sqlstate == FOREIGN_KEY_VIOLATION:
                raise ConversationNotFound(conversation_id) from None
            raise

    async def _is_there(self, conversation_id: UUID, id: UUID, part: Part) -> bool:
        """Whether the part that has this number says the same, which of encrypted ones the database cannot see."""
        if self._seals is None:
            return False
        rows = await self._execution.fetch(statements.get, owner=self._user_id, chat=conversation_id, message=id)
        there = await self._drafts_from([only_part(row, part.number) for row in rows])
        return bool(there) and is_part(there[0], part)

    async def _store_message(
        self, conversation_id: UUID, message: MessageCreate, after: "asyncio.Task[None] | None" = None
    ) -> MessageRead:
        batch = Batch(conversation_id, [message], self._options)
        arguments = {"chat": conversation_id, "expected": None, "after": after, **batch.arguments()}
        for _ in range(STORING_ATTEMPTS):
            stored = await append_batch(
                self._execution, self._seals, self._user_id, batch, appending.append_and_clear, arguments
            )
            if stored or self._seals is None:
                break
            self._seals.doubt_key()
        if not stored:
            raise ConversationNotFound(conversation_id)
        return batch.stored(stored)[0]

    async def _remove(self, conversation_id: UUID, id: UUID, after: "asyncio.Task[None] | None" = None) -> None:
        await self._execution.fetch(
            statements.remove, owner=self._user_id, chat=conversation_id, message=id, after=after
        )

    async def _read(self, conversation_id: UUID, id: UUID) -> DraftRead | None:
        rows = await self._execution.fetch(statements.get, owner=self._user_id, chat=conversation_id, message=id)
        return (await self._drafts_from(rows))[0] if rows else None

    async def _drafts_from(self, rows: Rows) -> list[DraftRead]:
        return [draft_from(row) for row in rows] if self._seals is None else await self._seals.read(rows, draft_from)

    async def _stored(self, conversation_id: UUID, id: UUID) -> MessageRead:
        rows = await self._execution.fetch(message_statements.get, owner=self._user_id, message=id)
        if not rows or (message := await read_message(rows[0], self._seals)).conversation_id != conversation_id:
            raise MessageNotFound(id)
        return message
