"""How a draft is stored on the side while it arrives: one timer and at most one task, and no connection in between."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from chat_persistence.draft_parts import Part, Received
from chat_persistence.errors import ChatPersistenceError, DraftClosed

PARTS_BEHIND = 16
"""When as many parts' worth of text is not stored, a write waits for the part that is under way."""
PARTS_AT_ONE_PACE = 1_000
"""After each so many, parts become half as frequent: of a reply of days, there are no more than a reader can take."""

_log = logging.getLogger(__name__)


class PartOutcome(Enum):
    """What became of a part."""

    STORED = auto()
    TAKEN = auto()
    """Another receiver stores the parts of this id; the first one's stay."""
    CLOSED = auto()
    """The draft has become its message, or was thrown away."""


class Storing:
    """Stores what was received after `seconds`, or so many `chars`; what could not be stored goes again with the next.

    `failure` is why the last part was not stored; one that will not pass ends the storing.
    """

    def __init__(
        self,
        received: Received,
        store: Callable[[Part], Awaitable[PartOutcome]],
        closed: Callable[[], DraftClosed],
        seconds: float,
        chars: int,
    ) -> None:
        self.failure: ChatPersistenceError | None = None
        self.task: asyncio.Task[None] | None = None
        """While a part is under way."""
        self._received = received
        self._store = store
        self._closed = closed
        self._seconds = seconds
        self._chars = chars
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def is_far_behind(self) -> bool:
        """See that what was received is stored in time; return whether the receiver should wait for a part."""
        unstored = self._received.unstored_chars
        if self._is_over:
            self.raise_what_will_not_pass()
        elif unstored < self._chars or self.failure is not None:
            self._store_later()
        else:
            self._store_now()
            return unstored >= PARTS_BEHIND * self._chars
        return False

    async def wait(self) -> None:
        """Wait for the part that is under way; a receiver who is cancelled meanwhile does not take it along."""
        if self.task is not None:
            await asyncio.wait((self.task,))

    async def flush(self) -> None:
        """Store everything that was received, or raise why it cannot be."""
        while self._received.unstored_chars and not self._is_over:
            self._store_now()
            await self.wait()
            if self.failure is not None:
                raise self.failure
        self.raise_what_will_not_pass()
        if self._received.unstored_chars:
            raise self._closed()

    def end(self) -> None:
        """Store no more parts; one that is under way is let be."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()

    def raise_what_will_not_pass(self) -> None:
        """Raise the failure that has ended the storing, if one has."""
        if self._is_over and self.failure is not None and not self.failure.retryable:
            raise self.failure

    def _store_later(self) -> None:
        if self._timer is None and self.task is None and not self._is_over:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._store_now)

    def _store_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._store_parts())

    async def _store_parts(self) -> None:
        while await self._store_part() and self._received.unstored_chars >= self._chars:
            pass
        self.task = None
        if self._received.unstored_chars:
            self._store_later()

    async def _store_part(self) -> bool:
        part = self._received.next_part()
        if part is None:
            self.end()
            return False
        try:
            outcome = await self._store(part)
        except ChatPersistenceError as failure:
            self._take_note_of(failure)
            return False
        self.failure = None
        if outcome is PartOutcome.STORED:
            self._received.part_is_stored()
            self._slow_down()
            return not self._is_over
        if outcome is PartOutcome.CLOSED:
            self.failure = self._closed()
        self.end()
        return False

    def _take_note_of(self, failure: ChatPersistenceError) -> None:
        if not failure.retryable:
            self.end()
        elif self.failure is None:
            _log.warning("a part of a draft waits for the next one: %s: %s", type(failure).__name__, failure)
        self.failure = failure

    def _slow_down(self) -> None:
        if self._received.parts % PARTS_AT_ONE_PACE == 0:
            self._seconds *= 2
            self._chars *= 2
