"""Whole conversations, checked and written as rows, gathered until one transaction is full of them."""

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, chain, islice
from typing import Any
from uuid import UUID

from chat_persistence.copy_rows import HEADER, TRAILER, RowWriter
from chat_persistence.errors import InvalidInput
from chat_persistence.execution import Execution
from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.options import Options
from chat_persistence.sealed_text import Seal
from chat_persistence.text import to_json
from chat_persistence.titles import title_of
from chat_persistence.validation import MAX_POSITION, check_user_id
from chat_persistence.values import MessageCreate

MAX_ROWS = 10_000
MAX_BYTES = 8_000_000
"""With either of them a batch is full; the conversation that filled it stays whole."""

PIECE_BYTES = 500_000
STINT_SECONDS = 0.0005
"""How long messages are written before the event loop has its turn."""

Key = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class WrittenConversation:
    """What goes into a conversation's own row, and the rows of its messages; `index` is its place in the input."""

    index: int
    user_id: str
    id: UUID
    title: str | None
    notes: str
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    last_position: int
    forked_from: UUID | None
    forked_position: int | None
    message_ids: list[UUID]
    rows: list[bytes]
    key_id: bytes | None
    """Of the key that its messages are encrypted with."""

    @property
    def key(self) -> Key:
        """Return its primary key."""
        return self.user_id, self.id


class LoadBatch:
    """Conversations for one transaction, each of them once."""

    def __init__(self) -> None:
        self._conversations: dict[Key, WrittenConversation] = {}
        self._rows = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._conversations)

    def __iter__(self) -> Iterator[WrittenConversation]:
        return iter(self._conversations.values())

    def __contains__(self, conversation: WrittenConversation) -> bool:
        return conversation.key in self._conversations

    @property
    def messages(self) -> int:
        """How many messages its conversations have."""
        return self._rows - len(self)

    @property
    def fullness(self) -> float:
        """How full it is; full at 1, and beyond it when a conversation is that large."""
        return max(self._rows / MAX_ROWS, self._bytes / MAX_BYTES)

    def add(self, conversation: WrittenConversation) -> None:
        """Take in a conversation that is not in it yet."""
        self._conversations[conversation.key] = conversation
        self._rows += 1 + len(conversation.rows)
        self._bytes += len(conversation.notes) + sum(map(len, conversation.rows))

    def only(self, keys: Collection[Key]) -> "LoadBatch":
        """Return a batch of some of the conversations."""
        return _batch(conversation for conversation in self if conversation.key in keys)

    def halves(self) -> "tuple[LoadBatch, LoadBatch]":
        """Return two batches of half of the conversations each."""
        middle = len(self) // 2
        return _batch(islice(self, middle)), _batch(islice(self, middle, None))

    def arguments(self) -> dict[str, Any]:
        """Return the bound values of `across_users.load`."""
        # In one order, so that two loads of the same conversations wait in a line and not in a ring.
        conversations = [self._conversations[key] for key in sorted(self._conversations)]
        return {
            "owner_array": [conversation.user_id for conversation in conversations],
            "chat_array": [str(conversation.id) for conversation in conversations],
            "heading_array": [conversation.title for conversation in conversations],
            "how_many_array": [str(len(conversation.rows)) for conversation in conversations],
            "place_array": [str(conversation.last_position) for conversation in conversations],
            "began_array": [_written(conversation.created_at) for conversation in conversations],
            "moved_array": [_written(conversation.updated_at) for conversation in conversations],
            "hidden_array": [_written(conversation.archived_at) for conversation in conversations],
            "notes_array": [conversation.notes for conversation in conversations],
            "origin_array": [_text_of(conversation.forked_from) for conversation in conversations],
            "origin_place_array": [_text_of(conversation.forked_position) for conversation in conversations],
        }

    def keys(self) -> dict[str, bytes]:
        """Return the keys that its messages are encrypted with, each by its user."""
        return {each.user_id: each.key_id for each in self if each.key_id is not None}

    def pieces(self) -> Iterator[bytes]:
        """Yield all messages as COPY takes them, about half a megabyte at a time."""
        piece, size = [HEADER], 0
        for row in chain.from_iterable(conversation.rows for conversation in self):
            piece.append(row)
            size += len(row)
            if size >= PIECE_BYTES:
                yield b"".join(piece)
                piece, size = [], 0
        yield b"".join([*piece, TRAILER])


class ConversationWriter:
    """Checks and writes conversations; `now` is for those that know no time at all."""

    def __init__(self, options: Options, now: datetime, execution: Execution) -> None:
        self._options = options
        self._execution = execution
        self._now = now
        self._turn_ends = 0.0

    async def write(self, conversation: ConversationLoad, index: int) -> WrittenConversation:
        """Return the conversation as rows, or raise `InvalidInput`, naming its index, for what is found in it."""
        field = f"conversations[{index}]"
        if time.monotonic() > self._turn_ends:
            await self._give_way()
        _check(conversation, field)
        notes = to_json(conversation.metadata, f"{field}.metadata", self._options.limits.json_chars)
        moments = _moments(conversation, self._now)
        positions = _positions(conversation, field)
        created_at = conversation.created_at or moments[0]
        seal = await self._seal(conversation.user_id)
        writer = RowWriter(conversation, field, self._options, seal)
        return WrittenConversation(
            index=index,
            user_id=conversation.user_id,
            id=conversation.id,
            title=_title(conversation, seal),
            notes=notes,
            created_at=created_at,
            updated_at=max(conversation.updated_at or moments[-1], created_at, moments[-1]),
            archived_at=conversation.archived_at,
            last_position=_last_position(conversation, positions, field),
            forked_from=conversation.forked_from,
            forked_position=conversation.forked_position,
            message_ids=[message.id for message in conversation.messages],
            rows=await self._rows(writer, conversation, positions, moments),
            key_id=None if seal is None else seal.key_id,
        )

    async def _seal(self, user_id: str) -> Seal | None:
        keys = self._options.encryption
        return None if keys is None else await keys.provide(user_id, self._execution)

    async def _rows(
        self, writer: RowWriter, conversation: ConversationLoad, positions: Sequence[int], moments: list[datetime]
    ) -> list[bytes]:
        rows: list[bytes] = []
        for index, message in enumerate(conversation.messages):
            rows.append(writer.write(index, positions[index], message, moments[index + 1]))
            if time.monotonic() > self._turn_ends:
                await self._give_way()
        return rows

    async def _give_way(self) -> None:
        await asyncio.sleep(0)
        self._turn_ends = time.monotonic() + STINT_SECONDS


def _batch(conversations: Iterable[WrittenConversation]) -> LoadBatch:
    batch = LoadBatch()
    for conversation in conversations:
        batch.add(conversation)
    return batch


def _check(conversation: ConversationLoad, field: str) -> None:
    if not isinstance(conversation, ConversationLoad):
        raise InvalidInput(field, "must be a ConversationLoad")
    check_user_id(conversation.user_id, f"{field}.user_id")
    # Not the UUIDs themselves, whose hash is Python.
    if len({message.id.int for message in conversation.messages}) < len(conversation.messages):
        raise InvalidInput(f"{field}.messages", "the same id twice")


def _moments(conversation: ConversationLoad, now: datetime) -> list[datetime]:
    """Return when the conversation began, and then each message's time, never earlier than the one before."""
    given = [_time_of(message) for message in conversation.messages]
    first = next((moment for moment in given if moment), None)
    known = [moment for moment in (conversation.created_at, first) if moment]
    began = min(known, default=conversation.updated_at or now)
    return list(accumulate((moment or began for moment in given), max, initial=began))


def _title(conversation: ConversationLoad, seal: Seal | None) -> str | None:
    if conversation.title is not None or not conversation.cut_title or seal is not None:
        return conversation.title
    return title_of(conversation.messages)


def _positions(conversation: ConversationLoad, field: str) -> Sequence[int]:
    given = [message.position if isinstance(message, MessageLoad) else None for message in conversation.messages]
    if not any(given):
        return range(1, len(given) + 1)
    positions: list[int] = []
    last = 0
    for index, position in enumerate(given):
        if position is not None and position <= last:
            raise InvalidInput(f"{field}.messages[{index}].position", f"must be above {last}, that of the one before")
        last = last + 1 if position is None else position
        positions.append(last)
    return positions


def _last_position(conversation: ConversationLoad, positions: Sequence[int], field: str) -> int:
    last = positions[-1] if positions else 0
    given = last if conversation.last_position is None else conversation.last_position
    if not last <= given <= MAX_POSITION:
        raise InvalidInput(
            f"{field}.last_position", f"must be from {last}, that of the last message, to {MAX_POSITION}"
        )
    return given


def _time_of(message: MessageCreate) -> datetime | None:
    return message.created_at if isinstance(message, MessageLoad) else None


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _text_of(value: UUID | int | None) -> str | None:
    return None if value is None else str(value)
