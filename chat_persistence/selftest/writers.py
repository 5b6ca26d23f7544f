"""Callers who store turns as an application does, again after each retryable error, and what became of the turns."""

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from chat_persistence import ChatPersistenceError, ChatStore, MessageCreate, OutcomeUnknown
from chat_persistence.selftest.figures import Figure, nothing

AT_ONCE = 16
CONVERSATIONS = 4
PAUSE_SECONDS = 0.03


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, which say the same; their ids make it repeatable."""

    conversation: UUID
    messages: tuple[MessageCreate, MessageCreate]

    @property
    def content(self) -> str:
        """What both say, and no other turn."""
        return self.messages[0].content


class Writers:
    """Sixteen callers of one user in four conversations; every fifth turn of each is a unit of work."""

    def __init__(self, store: ChatStore, user_id: str) -> None:
        self.strange = Counter[str]()
        """Errors that a caller was not told to repeat after, by type."""
        self._acknowledged: list[tuple[str, float]] = []
        self._store = store
        self._user_id = user_id
        self._conversations = [uuid4() for _ in range(CONVERSATIONS)]
        self._is_over = False

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Have them write during this block; each goes on with its last turn until that is acknowledged."""
        chat = self._store.for_user(self._user_id)
        for conversation in self._conversations:
            await chat.conversations.create(id=conversation)
        self._is_over = False
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._write())
            try:
                yield
            finally:
                self._is_over = True

    def seconds_until_success(self, since: float) -> float:
        """Return how long after a moment, of `time.monotonic`, a turn was acknowledged."""
        return min((moment - since for _, moment in self._acknowledged if moment > since), default=math.inf)

    async def losses(self, name: str) -> AsyncIterator[Figure]:
        """Read everything back, and yield what is not as it was acknowledged."""
        stored, gaps = Counter[str](), 0
        for conversation in self._conversations:
            positions = []
            async for message in self._store.for_user(self._user_id).messages.iterate(conversation):
                stored[message.content] += 1
                positions.append(message.position)
            gaps += positions != list(range(1, len(positions) + 1))
        lost = sum(not stored[content] for content, _ in self._acknowledged)
        yield nothing(f"{name}: acknowledged turns lost", lost, len(self._acknowledged))
        yield nothing(f"{name}: turns stored twice", sum(count > 2 for count in stored.values()), len(stored))
        yield nothing(f"{name}: half turns", sum(count == 1 for count in stored.values()), len(stored))
        yield nothing(f"{name}: conversations with a gap", gaps, len(self._conversations))
        yield nothing(f"{name}: errors that were not retryable", self.strange.total())

    async def _write(self) -> None:
        number = 0
        while not self._is_over:
            number += 1
            await self._store_turn(_new_turn(random.choice(self._conversations)), in_a_unit=number % 5 == 0)  # noqa: S311

    async def _store_turn(self, turn: Turn, *, in_a_unit: bool) -> None:
        while True:
            try:
                await (self._in_a_unit(turn) if in_a_unit else self._alone(turn))
            except Exception as error:
                if not _may_be_repeated(error, in_a_unit=in_a_unit):
                    self.strange[type(error).__name__] += 1
                    return
                await asyncio.sleep(random.uniform(0, PAUSE_SECONDS))  # noqa: S311
            else:
                self._acknowledged.append((turn.content, time.monotonic()))
                return

    async def _alone(self, turn: Turn) -> None:
        await self._store.for_user(self._user_id).messages.append(turn.conversation, *turn.messages)

    async def _in_a_unit(self, turn: Turn) -> None:
        question, answer = turn.messages
        async with self._store.unit_of_work(self._user_id) as work:
            await work.messages.append(turn.conversation, question)
            await work.messages.append(turn.conversation, answer)


def _new_turn(conversation: UUID) -> Turn:
    content = uuid4().hex
    question = MessageCreate(role="user", content=content)
    return Turn(conversation, (question, MessageCreate(role="assistant", content=content)))


def _may_be_repeated(error: Exception, *, in_a_unit: bool) -> bool:
    if in_a_unit and isinstance(error, OutcomeUnknown):
        return True  # by its ids, the unit stores nothing twice
    return isinstance(error, ChatPersistenceError) and error.retryable
