"""A reply in the making, as whoever receives it holds it."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID

from chat_persistence.draft_parts import Part, Received
from chat_persistence.draft_storing import PartOutcome, Storing
from chat_persistence.draft_values import ABORTED, joined_metadata
from chat_persistence.errors import ChatPersistenceError, DraftClosed, InvalidInput, MessageConflict
from chat_persistence.limits import Limits
from chat_persistence.models import MessageRole
from chat_persistence.validation import check_model
from chat_persistence.values import MessageCreate, MessageRead, ToolCall

_log = logging.getLogger(__name__)


class DraftKeeper(Protocol):
    """What a draft is stored with. What comes after a task is done also when its caller has left meanwhile."""

    async def _store_part(self, conversation_id: UUID, id: UUID, part: Part) -> PartOutcome: ...

    async def _store_message(
        self, conversation_id: UUID, message: MessageCreate, after: "asyncio.Task[None] | None" = None
    ) -> MessageRead: ...

    async def _remove(self, conversation_id: UUID, id: UUID, after: "asyncio.Task[None] | None" = None) -> None: ...


class Draft:
    """A reply that arrives token by token, in one `async with` block, in one task.

    At the end of the block it becomes one message: as it is, or with `"aborted": true` in its metadata when the block
    ended with an exception or was cancelled. Where nothing was received, nothing is stored. When the process dies,
    what was received longer ago than the interval is there, and is found by `drafts.page`.
    """

    def __init__(
        self,
        keeper: DraftKeeper,
        conversation_id: UUID,
        id: UUID,
        metadata: dict[str, Any] | None,
        limits: Limits,
        seconds: float,
        chars: int,
    ) -> None:
        self.conversation_id = conversation_id
        self.id = id
        """The id of the message to be."""
        self.message: MessageRead | None = None
        """The message, once it is stored."""
        self._keeper = keeper
        self._metadata = metadata
        self._received = Received(limits)
        self._storing = Storing(
            self._received, partial(keeper._store_part, conversation_id, id), self._closed, seconds, chars
        )
        self._was_entered = False
        self._is_open = False
        self._is_over = False
        self._settled: MessageCreate | None = None

    @property
    def content(self) -> str:
        """What was received until now."""
        return self._received.content

    async def __aenter__(self) -> Self:
        if self._was_entered:
            raise self._closed()
        self._was_entered = self._is_open = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._is_over:
                return
            if exc is not None:
                await self._abort_quietly()
            elif self._received or self._settled is not None:
                await self.finish()
        finally:
            self._close()

    async def write(self, text: str = "", *, native: Any = None) -> None:
        """Take what has arrived: text, a provider's own item, or both. It is stored on the side, a moment later.

        A write waits only when the database is slow and far behind; cancelled then, it has taken what it was given.
        Raise `InvalidInput` for what would make the reply longer than a message may be; `DraftClosed` when it has
        ended, also when another process has finished or discarded it; and what keeps parts from being stored for
        good, as `ConversationNotFound`. What was received before is kept.
        """
        if not self._is_open:
            raise self._closed()
        self._received.add(text, native)
        if self._storing.is_far_behind():
            await self._storing.wait()

    async def flush(self) -> None:
        """Store what was received until now, and raise what storing it raised: then it goes with the next part."""
        if not self._is_open:
            raise self._closed()
        await self._storing.flush()

    async def finish(
        self,
        *,
        tool_calls: Sequence[ToolCall] = (),
        native: Any = None,
        metadata: Mapping[str, Any] | None = None,
        token_count: int | None = None,
    ) -> MessageRead:
        """Make the reply a message, in one statement with the end of its parts, and return it.

        Without `native`, it is the list of the items that were written, if any; `metadata` is added to that of
        `begin`. Called again, after a failure or after the block, it stores the same, once. Raise `DraftClosed` when
        another message was made of this draft meanwhile, and else what `append` raises.
        """
        if self._settled is None:
            if self._is_over:
                raise self._closed()
            native = self._received.native if native is None else native
            self._settled = self._message(
                tool_calls=list(tool_calls), native=native, metadata=metadata, token_count=token_count
            )
        return await self._store(self._settled)

    async def abort(self, *, metadata: Mapping[str, Any] | None = None) -> MessageRead | None:
        """Make what was received a message with `"aborted": true` in its metadata; None when that is nothing."""
        if self._settled is None:
            if self._is_over or not self._received or isinstance(self._storing.failure, DraftClosed):
                self._end()
                return None
            aborted = joined_metadata(metadata, {ABORTED: True})
            self._settled = self._message(native=self._received.native, metadata=aborted)
        return await self._store(self._settled)

    async def discard(self) -> None:
        """Throw away what was received, unless it has become a message."""
        if self._settled is None:
            self._end()
            await self._keeper._remove(self.conversation_id, self.id, self._storing.task)

    def _closed(self) -> DraftClosed:
        return DraftClosed(self.conversation_id, self.id)

    def _message(self, *, metadata: Mapping[str, Any] | None, **given: Any) -> MessageCreate:
        content = self._received.content
        if not (content or given.get("tool_calls") or given["native"] is not None):
            raise InvalidInput("content", "must not be empty, unless tool_calls or native says something")
        together = joined_metadata(self._metadata, metadata)
        given |= {"id": self.id, "role": MessageRole.ASSISTANT, "content": content, "metadata": together}
        return check_model(MessageCreate, given)

    async def _store(self, message: MessageCreate) -> MessageRead:
        self._close()
        try:
            return self.message or await self._send(message)
        except InvalidInput:
            self._settled = None
            raise
        except asyncio.CancelledError:
            # What was not sent yet was dropped; once more, of a task that is being cancelled already, it is meant.
            with suppress(ChatPersistenceError):
                await self._send(message)
            raise

    async def _send(self, message: MessageCreate) -> MessageRead:
        try:
            stored = await self._keeper._store_message(self.conversation_id, message, self._storing.task)
        except MessageConflict:
            self._settled = None
            self._end()
            raise self._closed() from None
        self.message = stored
        self._end()
        return stored

    async def _abort_quietly(self) -> None:
        # The caller hears of what ended the block; and what was stored in parts is still there.
        try:
            await self.abort()
        except ChatPersistenceError as failure:
            _log.warning("a reply that broke off is no message yet: %s: %s", type(failure).__name__, failure)

    def _close(self) -> None:
        self._is_open = False
        self._storing.end()

    def _end(self) -> None:
        self._close()
        self._is_over = True
