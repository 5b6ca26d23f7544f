"""Loading whole conversations in bulk, by COPY: each is stored with all of its messages or not at all.

A batch of them is one transaction: the conversations are inserted unless they are there, and the messages of
those that were not are copied. COPY knows no ON CONFLICT, and a temporary table would need a session of its
own, which a pooler does not give.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import Any

from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from chat_persistence.compilation import Compilation
from chat_persistence.copy_rows import COLUMNS
from chat_persistence.errors import (
    ChatPersistenceError,
    ConcurrentAppend,
    DatabaseFailure,
    InsufficientPrivilege,
    InvalidInput,
    MessageConflict,
    OutcomeUnknown,
    StoreUnavailable,
    UserNotFound,
)
from chat_persistence.execution import Execution
from chat_persistence.key_ring import as_text
from chat_persistence.load_batch import ConversationWriter, LoadBatch, WrittenConversation
from chat_persistence.load_values import ConversationLoad, LoadProgress
from chat_persistence.models import Message
from chat_persistence.options import Options
from chat_persistence.patience import patiently
from chat_persistence.statements import across_user_keys, across_users, messages
from chat_persistence.transactions import Transaction, TransactionExecution, drop_if_lost
from chat_persistence.translation import UNIQUE_VIOLATION, USER_MISSING, find_sqlstate

COPY_SECONDS = 60.0
"""For one full batch: 8 MB on a line of 1 Mbit/s."""


NOT_SUPPORTED = "0A000"
"""Elsewhere the sign of a stale plan, which COPY has not: here, row-level security binds the role."""

Conversations = AsyncIterable[ConversationLoad] | Iterable[ConversationLoad]
OnRefused = Callable[[int, ChatPersistenceError], None]


class Loader:
    """One load: its input is read in the caller's own task, while the batch before is being stored.

    So at most two batches are in memory, however long the input is.
    """

    def __init__(
        self,
        execution: Execution,
        compilation: Compilation,
        new_transaction: Callable[[], Transaction],
        schema: str | None,
        options: Options,
        on_progress: Callable[[LoadProgress], None] | None,
        on_refused: OnRefused | None,
    ) -> None:
        self._execution = execution
        self._compilation = compilation
        self._new_transaction = new_transaction
        self._schema = schema
        self._options = options
        self._on_progress = on_progress
        self._on_refused = on_refused
        self._progress = LoadProgress()
        self._storing: asyncio.Task[ChatPersistenceError | None] | None = None

    async def load(self, conversations: Conversations) -> LoadProgress:
        """Load them all and return what it came to."""
        try:
            await self._read(conversations)
        except Exception:
            await self._settle()
            raise
        except BaseException:
            await self._abandon()
            raise
        return self._progress

    async def _read(self, conversations: Conversations) -> None:
        (now,) = (await self._execution.fetch(across_users.clock))[0]
        writer = ConversationWriter(self._options, now, self._execution)
        batch = LoadBatch()
        async with aclosing(_numbered(conversations)) as numbered:
            async for index, conversation in numbered:
                try:
                    written = await writer.write(conversation, index)
                except InvalidInput as refusal:
                    self._refuse(index, refusal)
                    continue
                if written in batch:
                    batch = await self._hand_over(batch)
                batch.add(written)
                if batch.fullness >= 1:
                    batch = await self._hand_over(batch)
        await self._hand_over(batch)
        await self._settle()

    async def _hand_over(self, batch: LoadBatch) -> LoadBatch:
        await self._settle()
        if len(batch):
            self._storing = asyncio.create_task(self._outcome(batch))
        return LoadBatch()

    async def _outcome(self, batch: LoadBatch) -> ChatPersistenceError | None:
        # As a value, since an exception that nobody is left to take reaches the loop's handler.
        try:
            await self._store(batch)
        except ChatPersistenceError as failure:
            return failure
        return None

    async def _settle(self) -> None:
        if self._storing is None:
            return
        storing, self._storing = self._storing, None
        failure = await storing
        if self._on_progress is not None:
            self._on_progress(self._progress)
        if failure is not None:
            raise failure

    async def _abandon(self) -> None:
        # Its step in flight goes on to its end, and is rolled back, in tasks that the store owns.
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.wait([self._storing])

    async def _store(self, batch: LoadBatch) -> None:
        try:
            await patiently(lambda: self._attempt(batch))
        except DatabaseFailure as failure:
            if failure.sqlstate not in (UNIQUE_VIOLATION, *USER_MISSING):
                raise
            refusal = failure
        else:
            return
        if len(batch) == 1:
            await self._refuse_alone(batch, refusal)
            return
        # Some message's id is stored already, or some user missing: halved again and again, only that conversation
        # is refused.
        for half in batch.halves():
            await self._store(half)

    async def _refuse_alone(self, batch: LoadBatch, refusal: DatabaseFailure) -> None:
        (conversation,) = batch
        reason = await self._reason(conversation, refusal)
        if reason is refusal:
            raise reason
        self._refuse(conversation.index, reason)

    def _refuse(self, index: int, reason: ChatPersistenceError) -> None:
        if self._on_refused is None:
            raise reason
        self._on_refused(index, reason)

    async def _reason(self, conversation: WrittenConversation, refusal: DatabaseFailure) -> ChatPersistenceError:
        if refusal.sqlstate in USER_MISSING:
            return UserNotFound(conversation.user_id)
        rows = await self._execution.fetch(
            messages.stored, owner=conversation.user_id, id_array=list(map(str, conversation.message_ids))
        )
        return MessageConflict(conversation.id, tuple(row[0] for row in rows)) if rows else refusal

    async def _attempt(self, batch: LoadBatch) -> None:
        transaction = self._new_transaction()
        await transaction.begin()
        try:
            new = await self._insert_and_copy(transaction, batch)
        except BaseException as error:
            await transaction.roll_back(wait=isinstance(error, Exception))
            raise
        try:
            await transaction.commit()
        except OutcomeUnknown as unknown:
            # Once more will tell: what was stored is found there.
            raise StoreUnavailable(unknown.reason) from None
        self._count(batch, new)

    async def _insert_and_copy(self, transaction: Transaction, batch: LoadBatch) -> LoadBatch:
        execution = TransactionExecution(transaction, self._compilation)
        await self._keep_keys(batch.keys(), execution)
        rows = await execution.fetch(across_users.load, **batch.arguments())
        new = batch.only({(row[0], row[1]) for row in rows})
        if new.messages:
            await transaction.run(lambda session: _copy(session, new, self._schema))
        return new

    async def _keep_keys(self, keys: dict[str, bytes], execution: Execution) -> None:
        if self._options.encryption is None or not keys:
            return
        written = [as_text(key_id) for key_id in keys.values()]
        rows = await execution.fetch(across_user_keys.in_force, owner_array=list(keys), key_id_array=written)
        for user_id in keys.keys() - {row[0] for row in rows}:
            self._options.encryption.forget(user_id)
        if len(rows) < len(keys):
            # Somebody was erased meanwhile. What was encrypted with the old key, nobody could read.
            raise ConcurrentAppend

    def _count(self, batch: LoadBatch, new: LoadBatch) -> None:
        self._progress = LoadProgress(
            self._progress.conversations_stored + len(new),
            self._progress.messages_stored + new.messages,
            self._progress.conversations_present + len(batch) - len(new),
        )


def _copy(session: Session, batch: LoadBatch, schema: str | None) -> None:
    connection = session.connection()
    pooled: Any = connection.connection
    try:
        await_only(
            pooled.driver_connection.copy_to_table(
                Message.__tablename__,
                schema_name=schema,
                columns=COLUMNS,
                source=_asynchronous(batch.pieces()),
                format="binary",
                timeout=COPY_SECONDS * max(1.0, batch.fullness),
            )
        )
    except Exception as error:
        drop_if_lost(connection, error)
        if find_sqlstate(error) != NOT_SUPPORTED:
            raise
    else:
        return
    raise InsufficientPrivilege(NOT_SUPPORTED)


async def _asynchronous(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _numbered(
    conversations: Conversations,
) -> AsyncGenerator[tuple[int, ConversationLoad], None]:
    index = 0
    if isinstance(conversations, AsyncIterable):
        async for conversation in conversations:
            yield index, conversation
            index += 1
        return
    for index, conversation in enumerate(conversations):
        yield index, conversation
