"""A session's items as rows of one user's conversation: appended, read from the end, put in the place of the last."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

from chat_persistence.errors import ConversationChanged, ConversationNotFound, InvalidInput, MessageNotFound
from chat_persistence.integrations.openai_agents.windows import (
    end_of_response,
    is_within_a_response,
    start_of_response,
    waits_for_results,
    whole_window,
)
from chat_persistence.provider_formats.openai_sessions import Item, items_of, message_of_item
from chat_persistence.unit_of_work import UnitOfWork
from chat_persistence.user_chats import UserChats
from chat_persistence.validation import MAX_LIMIT
from chat_persistence.values import MessageCreate, MessageRead

MANY_CALLS = 50
"""In one response, with their results."""


class Row(NamedTuple):
    """A message, by what it is to a session: one item mostly; several or none, when another program wrote it."""

    position: int
    items: list[Item]


class Tail(NamedTuple):
    """The newest rows, oldest first, when the log had come to `revision`."""

    rows: list[Row]
    revision: int


class SessionLog:
    """One conversation of one user, counted in items and not in messages."""

    def __init__(self, chat: UserChats, conversation_id: UUID) -> None:
        self._chat = chat
        self._id = conversation_id

    async def append(self, items: Sequence[Any]) -> None:
        """Store the items, all or none; without any, nothing is sent."""
        messages = _messages_of(items)
        if len(messages) > MAX_LIMIT:
            async with self._chat.unit_of_work() as work:
                await self._append_in_parts(work, messages)
        elif messages:
            await self._chat.messages.append(self._id, *messages, create_conversation=True)

    async def newest(self, how_many: int | None) -> list[Item]:
        """Return the newest items, all without a number, oldest first, as they were at one moment."""
        size = MAX_LIMIT if how_many is None else min(how_many, MAX_LIMIT)
        rows = None
        while rows is None:
            rows = await self._rows(await self._chat.messages.last(self._id, size), size, how_many)
        items = items_in(rows)
        return items if how_many is None else items[-how_many:]

    async def window(self, limit: int) -> list[Item]:
        """Return at most `limit` of the newest items, oldest first, and none that needs one from before them.

        There are more where they are of a response that waits for results. The runner that goes on with it looks for
        what it has added itself by as many items as these are: not to find it is to add it twice.
        """
        if limit == 0:
            return []
        items = await self.newest(limit + 1)
        if len(items) <= limit:
            return items
        if is_within_a_response(items[1:]):
            response = await self._from_start_of_response(limit)
            if waits_for_results(response[: end_of_response(response, 0)]):
                return response
        return whole_window(items[1:], before=items[0])

    async def _from_start_of_response(self, how_many: int) -> list[Item]:
        items: list[Item] = []
        start = 0
        for read in count(how_many + MANY_CALLS, MANY_CALLS):
            items = await self.newest(read)
            start = start_of_response(items, max(len(items) - how_many, 0))
            if start or len(items) < read:
                break
        return items[start:]

    async def tail(self, how_many: int) -> Tail:
        """Return the rows of so many of the newest items, or all rows; raise `ConversationNotFound`."""
        size = min(how_many, MAX_LIMIT)
        while True:
            read = await self._chat.conversations.get_with_messages(self._id, size)
            rows = await self._rows(read.messages, size, how_many)
            if rows is not None:
                return Tail(rows, read.conversation.last_position)

    async def pop(self) -> Item | None:
        """Take the newest item off and return it, each to one caller alone."""
        while True:
            try:
                return await self._pop()
            except ConversationChanged:
                continue  # somebody else was faster, and has got on
            except ConversationNotFound:
                return None

    async def replace(self, revision: int, after: int, items: Sequence[Item]) -> None:
        """Put items in the place of what is after a position, all or nothing, if the log is still at a revision."""
        if not items:
            await self._chat.messages.rewind(self._id, after, expected_position=revision)
            return
        messages = _messages_of(items)
        async with self._chat.unit_of_work() as work:
            await work.messages.rewind(self._id, after, expected_position=revision)
            await self._append_in_parts(work, messages)

    async def replace_all(self, items: Sequence[Any]) -> None:
        """Put items in the place of all that there is, at once."""
        messages = _messages_of(items)
        async with self._chat.unit_of_work() as work:
            with suppress(ConversationNotFound):
                await work.messages.rewind(self._id, 0)
            await self._append_in_parts(work, messages)

    async def clear(self) -> None:
        """Delete the conversation, if there is one."""
        with suppress(ConversationNotFound):
            await self._chat.conversations.delete(self._id)

    async def _is_there(self, message: MessageRead) -> bool:
        try:
            return (await self._chat.messages.get(message.id)).position == message.position
        except MessageNotFound:
            return False

    async def _append_in_parts(self, work: UnitOfWork, messages: list[MessageCreate]) -> None:
        for start in range(0, len(messages), MAX_LIMIT):
            part = messages[start : start + MAX_LIMIT]
            await work.messages.append(self._id, *part, create_conversation=True)

    async def _rows(self, page: list[MessageRead], size: int, how_many: int | None) -> list[Row] | None:
        """Return the rows of the newest page, and those of older ones as far as there are too few items.

        Nothing when the log has become another one before they were all read.
        """
        rows = _rows_of(page)
        is_full = len(page) == size
        is_one_read = True
        while is_full and (how_many is None or sum(len(row.items) for row in rows) < how_many):
            older = await self._chat.messages.page(self._id, MAX_LIMIT, before=rows[0].position)
            rows[:0] = _rows_of(older.items)
            is_full = older.next_cursor is not None
            is_one_read = False
        # It is the same as long as its newest message is there.
        return rows if is_one_read or await self._is_there(page[-1]) else None

    async def _pop(self) -> Item | None:
        rows, revision = await self.tail(2)
        for place in range(len(rows) - 1, -1, -1):
            if items := rows[place].items:
                # A message's own position, as far as there is one: by it a lost answer is found again.
                after = rows[place - 1].position if place else rows[0].position - 1
                await self.replace(revision, after, items[:-1])
                return items[-1]
        return None


def items_in(rows: Iterable[Row]) -> list[Item]:
    """Return the items of rows, in order."""
    return [item for row in rows for item in row.items]


def _messages_of(items: Sequence[Any]) -> list[MessageCreate]:
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise InvalidInput(f"items[{place}]", "must be a JSON object")
    return [message_of_item(item, f"items[{place}]") for place, item in enumerate(items)]


def _rows_of(messages: Iterable[MessageRead]) -> list[Row]:
    return [Row(message.position, items_of(message)) for message in messages]
