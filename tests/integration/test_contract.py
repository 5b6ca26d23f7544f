"""The contract for what wraps the repositories, kept by the repositories themselves, alone and in units of work."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from chat_persistence import ChatStore, ConcurrentAppend, MessageRead
from chat_persistence.testing import Chats, UserChatsContract

# They empty their database: the worker's other tests have another one.
pytestmark = pytest.mark.xdist_group("contract")


class TestUserChats(UserChatsContract):
    """What `for_user` returns."""


class TestUnitsOfWork(UserChatsContract):
    """What a host has who makes a unit of work of every call, and makes it again when it is told to."""

    async def make_chats(self, store: ChatStore, user_id: str) -> Chats:
        return UnitOfWorkPerCall(store, user_id)


class UnitOfWorkPerCall:
    def __init__(self, store: ChatStore, user_id: str) -> None:
        self.conversations: Any = Repository(store, user_id, "conversations")
        self.messages: Any = Repository(store, user_id, "messages")


class Repository:
    def __init__(self, store: ChatStore, user_id: str, name: str) -> None:
        self.store = store
        self.user_id = user_id
        self.name = name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(*arguments: Any, **named: Any) -> Any:
            try:
                async with self.store.unit_of_work(self.user_id) as work:
                    return await getattr(getattr(work, self.name), method)(*arguments, **named)
            except ConcurrentAppend:
                return await call(*arguments, **named)

        return call

    async def iterate(self, conversation_id: UUID) -> AsyncIterator[MessageRead]:
        async with self.store.unit_of_work(self.user_id) as work:
            async for message in work.messages.iterate(conversation_id):
                yield message
