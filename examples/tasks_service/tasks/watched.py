"""A user's chats that tell somebody how many messages were appended."""

from collections.abc import Callable
from typing import Any

from chat_persistence import MessageRead, UserChats


class WatchedMessages:
    def __init__(self, messages: Any, told: Callable[[int], None]) -> None:
        self._messages = messages
        self._told = told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._messages, name)

    async def append(self, *args: Any, **kwargs: Any) -> list[MessageRead]:
        stored: list[MessageRead] = await self._messages.append(*args, **kwargs)
        self._told(len(stored))
        return stored


class WatchedChats:
    def __init__(self, chats: UserChats, told: Callable[[int], None]) -> None:
        self.conversations = chats.conversations
        self.messages = WatchedMessages(chats.messages, told)
        self.erase = chats.erase
