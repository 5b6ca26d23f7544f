"""Clients who call, lose patience, try again, and record what they were told."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID, uuid4

from chat_persistence import (
    ChatStore,
    ConcurrentAppend,
    ConversationChanged,
    ConversationNotFound,
    MessageConflict,
    MessageCreate,
    MessageNotFound,
    MessageRead,
    OutcomeUnknown,
    Page,
    StoreUnavailable,
    UserChats,
)
from chat_persistence.selftest.history import Append, Entry, Log, Outcome, Read

IMPATIENT = 0.06
"""The share of calls that are given up, within so many seconds:"""
PATIENCE_SECONDS = 0.04
REMEMBERED = 20
MOST_READ = 10

REFUSALS = (ConcurrentAppend, ConversationChanged, ConversationNotFound, MessageConflict)

Answer = TypeVar("Answer")
Batch = tuple[Log, tuple[MessageCreate, ...]]
Stored = Sequence[Sequence[MessageRead]]
"""What was stored of one or more batches."""


@dataclass(slots=True)
class History:
    """What all clients were told, and the highest positions that anybody knows of."""

    appends: list[Append] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    reached: Counter[Log] = field(default_factory=Counter)
    _moments: int = 0

    def moment(self) -> int:
        """Return the next moment: of two calls or answers in this process, which came first."""
        self._moments += 1
        return self._moments

    def add(self, read: Read) -> None:
        """Record a read, and how far its log reached."""
        self.reads.append(read)
        self.reached[read.log] = max(self.reached[read.log], read.reached)


class Client:
    """One of many, who calls, is answered or not, loses patience, and tries again."""

    def __init__(
        self,
        store: ChatStore,
        logs: Sequence[Log],
        history: History,
        chance: random.Random,
        before_call: Callable[[], None],
    ) -> None:
        self._store = store
        self._logs = logs
        self._history = history
        self._chance = chance
        self._before_call = before_call
        self._sent: list[Batch] = []
        self._stored: list[tuple[Log, MessageRead]] = []
        self._actions: dict[Callable[[], Awaitable[None]], int] = {
            self._append_new: 30,
            self._append_expecting: 12,
            self._append_again: 8,
            self._append_known_elsewhere: 3,
            self._append_in_unit: 7,
            self._read_newest: 16,
            self._read_with_conversation: 6,
            self._read_on: 8,
            self._read_back: 6,
            self._read_one: 4,
        }

    async def play(self, calls: int) -> None:
        """Call so often, one call after the other."""
        actions, weights = list(self._actions), list(self._actions.values())
        for action in self._chance.choices(actions, weights, k=calls):
            self._before_call()
            await action()

    async def _append_new(self) -> None:
        await self._append(self._new_batch(), create=True)

    async def _append_expecting(self) -> None:
        batch = self._new_batch()
        expected = self._history.reached[batch[0]] - self._chance.choice((0, 0, 0, 1))
        await self._append(batch, expected=max(0, expected))

    async def _append_again(self) -> None:
        if self._sent:
            await self._append(self._chance.choice(self._sent), create=True)

    async def _append_known_elsewhere(self) -> None:
        if self._stored:
            log, message = self._chance.choice(self._stored)
            other = self._chance.choice([each for each in self._logs if each != log])
            again = MessageCreate(id=message.id, role=message.role, content=message.content)
            await self._append((other, (again,)), create=True)

    async def _append(self, batch: Batch, *, create: bool = False, expected: int | None = None) -> None:
        log, messages = batch
        called = self._history.moment()
        appending = self._chat(log).messages.append(
            log.conversation_id, *messages, create_conversation=create, expected_position=expected
        )
        outcome, answers = await self._outcome(_as_list(appending))
        self._record(called, outcome, [batch], answers, expected=expected)

    async def _append_in_unit(self) -> None:
        batches = sorted([self._new_batch(log) for log in self._chance.sample(self._logs, 2)], key=lambda each: each[0])
        called = self._history.moment()
        outcome, answers = await self._outcome(self._run_unit(batches))
        self._record(called, outcome, batches, answers, unit=uuid4())

    async def _run_unit(self, batches: Sequence[Batch]) -> Stored:
        async with self._store.unit_of_work(batches[0][0].user_id) as work:
            return [
                await work.messages.append(log.conversation_id, *messages, create_conversation=True)
                for log, messages in batches
            ]

    async def _read_newest(self) -> None:
        log, limit = self._chance.choice(self._logs), self._chance.randint(1, MOST_READ)
        messages = self._chat(log).messages
        if self._chance.random() < 0.5:
            await self._read(log, messages.last(log.conversation_id, limit), limit)
        else:
            await self._read(log, _items(messages.page(log.conversation_id, limit)), limit)

    async def _read_with_conversation(self) -> None:
        log, limit = self._chance.choice(self._logs), self._chance.randint(1, MOST_READ)
        called = self._history.moment()
        try:
            read = await self._chat(log).conversations.get_with_messages(log.conversation_id, limit)
        except (StoreUnavailable, ConversationNotFound):
            return
        seen, counted = _entries(read.messages), read.conversation.last_position
        self._history.add(Read(log, called, self._history.moment(), seen, limit, counted=counted))

    async def _read_on(self) -> None:
        log, limit = self._chance.choice(self._logs), self._chance.randint(1, MOST_READ)
        after = self._chance.randint(max(0, self._history.reached[log] - 20), self._history.reached[log])
        page = self._chat(log).messages.page(log.conversation_id, limit, after=after)
        await self._read(log, _items(page), limit, after)

    async def _read_back(self) -> None:
        log, limit = self._chance.choice(self._logs), self._chance.randint(1, MOST_READ)
        if self._history.reached[log] > 1:
            before = self._chance.randint(2, self._history.reached[log])
            page = self._chat(log).messages.page(log.conversation_id, limit, before=before)
            await self._read(log, _items(page), min(limit, before - 1), max(0, before - 1 - limit))

    async def _read_one(self) -> None:
        if self._stored:
            log, message = self._chance.choice(self._stored)
            await self._read(log, self._get(log, message.id), 1, message.position - 1)

    async def _get(self, log: Log, id: UUID) -> list[MessageRead]:
        try:
            return [await self._chat(log).messages.get(id)]
        except MessageNotFound:
            return []

    async def _read(
        self, log: Log, reading: Awaitable[Sequence[MessageRead]], limit: int, after: int | None = None
    ) -> None:
        called = self._history.moment()
        try:
            seen = _entries(await self._impatiently(reading))
        except (StoreUnavailable, TimeoutError):
            return
        self._history.add(Read(log, called, self._history.moment(), seen, limit, after))

    async def _outcome(self, writing: Awaitable[Stored]) -> tuple[Outcome, Stored]:
        try:
            return Outcome.STORED, await self._impatiently(writing)
        except REFUSALS:
            return Outcome.REFUSED, ()
        except (StoreUnavailable, OutcomeUnknown, TimeoutError):
            return Outcome.UNKNOWN, ()

    async def _impatiently(self, call: Awaitable[Answer]) -> Answer:
        patience = None
        if self._chance.random() < IMPATIENT:
            patience = self._chance.uniform(0, PATIENCE_SECONDS)
        async with asyncio.timeout(patience):
            return await call

    def _record(
        self,
        called: int,
        outcome: Outcome,
        batches: Sequence[Batch],
        answers: Stored,
        *,
        expected: int | None = None,
        unit: UUID | None = None,
    ) -> None:
        answered = self._history.moment()
        for index, (log, messages) in enumerate(batches):
            stored = answers[index] if answers else ()
            ids, positions = tuple(each.id for each in messages), tuple(each.position for each in stored)
            self._history.appends.append(Append(log, ids, called, answered, outcome, positions, expected, unit))
            self._history.reached[log] = max((self._history.reached[log], *positions))
            self._stored += [(log, message) for message in stored]
            # Half of a unit sent again alone would be half a unit by the client's own doing.
            if outcome is Outcome.STORED or (outcome is Outcome.UNKNOWN and unit is None):
                self._sent.append((log, messages))
        del self._stored[:-REMEMBERED], self._sent[:-REMEMBERED]

    def _new_batch(self, log: Log | None = None) -> Batch:
        messages = [MessageCreate(role="user", content="x") for _ in range(self._chance.randint(1, 3))]
        return log or self._chance.choice(self._logs), tuple(messages)

    def _chat(self, log: Log) -> UserChats:
        return self._store.for_user(log.user_id)


async def _as_list(appending: Awaitable[list[MessageRead]]) -> Stored:
    return [await appending]


async def _items(paging: Awaitable[Page[MessageRead]]) -> Sequence[MessageRead]:
    return (await paging).items


def _entries(messages: Sequence[MessageRead]) -> tuple[Entry, ...]:
    return tuple(Entry(message.position, message.id) for message in messages)
