"""A session's items as rows of one user's conversation: appended, read from the end, taken off the end."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from chat_persistence.errors import ConversationChanged, ConversationNotFound
from chat_persistence.integrations.openai_agents.session_items import Item, items_of, items_of_all, messages_of
from chat_persistence.integrations.openai_agents.windows import whole_window
from chat_persistence.user_chats import UserChats
from chat_persistence.validation import MAX_LIMIT
from chat_persistence.values import ConversationWithMessages, MessageCreate, MessageRead

MOST_AT_ONCE = MAX_LIMIT


class SessionLog:
    """One conversation of one user, counted in items and not in messages."""

    def __init__(self, chat: UserChats, conversation_id: UUID) -> None:
        self._chat = chat
        self._id = conversation_id

    async def append(self, items: list[Any]) -> None:
        """Store the items, all or none; without any, nothing is sent."""
        messages = messages_of(items)
        if len(messages) > MOST_AT_ONCE:
            await self._append_in_parts(messages)
        elif messages:
            await self._chat.messages.append(self._id, *messages, create_conversation=True)

    async def newest(self, how_many: int | None) -> list[Item]:
        """Return the newest items, all without a number, oldest first."""
        items: list[Item] = []
        async for page in self._pages(MOST_AT_ONCE if how_many is None else min(how_many, MOST_AT_ONCE)):
            items[:0] = items_of_all(page)
            if how_many is not None and len(items) >= how_many:
                return items[len(items) - how_many :]
        return items

    async def window(self, limit: int) -> list[Item]:
        """Return at most `limit` of the newest items, oldest first, and none that needs one from before them."""
        if limit == 0:
            return []
        items = await self.newest(limit + 1)
        return whole_window(items[1:], before=items[0]) if len(items) > limit else items

    async def pop(self) -> Item | None:
        """Take the newest item off and return it, each to one caller alone."""
        while True:
            try:
                return await self._pop()
            except ConversationChanged:
                continue  # somebody else was faster, and has got on

    async def clear(self) -> None:
        """Delete the conversation, if there is one."""
        try:
            await self._chat.conversations.delete(self._id)
        except ConversationNotFound:
            return

    async def _append_in_parts(self, messages: list[MessageCreate]) -> None:
        async with self._chat.unit_of_work() as work:
            for start in range(0, len(messages), MOST_AT_ONCE):
                part = messages[start : start + MOST_AT_ONCE]
                await work.messages.append(self._id, *part, create_conversation=True)

    async def _pages(self, first: int) -> AsyncIterator[list[MessageRead]]:
        """Yield the messages, the newest page first, each page oldest first."""
        messages = await self._chat.messages.last(self._id, first)
        is_full = len(messages) == first
        yield messages
        while is_full:
            page = await self._chat.messages.page(self._id, MOST_AT_ONCE, before=messages[0].position)
            messages, is_full = list(page.items), page.next_cursor is not None
            yield messages

    async def _pop(self) -> Item | None:
        for how_many in (1, MOST_AT_ONCE):
            try:
                read = await self._chat.conversations.get_with_messages(self._id, how_many)
            except ConversationNotFound:
                return None
            for message in reversed(read.messages):
                if items := items_of(message):
                    await self._take(read, message, items[:-1])
                    return items[-1]
        return None

    async def _take(self, read: ConversationWithMessages, message: MessageRead, rest: list[Item]) -> None:
        """Delete the messages from this one on, if nothing was stored meanwhile, and store the rest of its items."""
        before, now = message.position - 1, read.conversation.last_position
        if not rest:
            await self._chat.messages.rewind(self._id, before, expected_position=now)
            return
        async with self._chat.unit_of_work() as work:
            await work.messages.rewind(self._id, before, expected_position=now)
            await work.messages.append(self._id, *messages_of(rest))
