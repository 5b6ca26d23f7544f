"""What a wrapper of one user's repositories offers: their methods, with their promises."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol
from uuid import UUID

from chat_persistence.values import (
    ConversationRead,
    ConversationUpdate,
    ConversationWithMessages,
    MessageCreate,
    MessageRead,
    Page,
)


class Conversations(Protocol):
    """What `ConversationRepository` promises."""

    async def create(
        self, *, id: UUID | None = None, title: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> ConversationRead: ...

    async def get(self, id: UUID) -> ConversationRead: ...

    async def get_with_messages(self, id: UUID, limit: int = 50) -> ConversationWithMessages: ...

    async def page(
        self, limit: int = 20, *, after: str | None = None, archived: bool = False
    ) -> Page[ConversationRead]: ...

    async def update(self, id: UUID, changes: ConversationUpdate) -> ConversationRead: ...

    async def rename(self, id: UUID, title: str | None) -> ConversationRead: ...

    async def archive(self, id: UUID) -> ConversationRead: ...

    async def unarchive(self, id: UUID) -> ConversationRead: ...

    async def delete(self, id: UUID) -> None: ...


class Messages(Protocol):
    """What `MessageRepository` promises."""

    async def append(
        self,
        conversation_id: UUID,
        *messages: MessageCreate,
        create_conversation: bool = False,
        expected_position: int | None = None,
    ) -> list[MessageRead]: ...

    async def last(self, conversation_id: UUID, limit: int = 50, *, whole_turns: bool = False) -> list[MessageRead]: ...

    async def last_turns(self, conversation_id: UUID, turns: int) -> list[MessageRead]: ...

    async def page(
        self,
        conversation_id: UUID,
        limit: int = 50,
        *,
        before: int | str | None = None,
        after: int | str | None = None,
    ) -> Page[MessageRead]: ...

    async def get(self, id: UUID) -> MessageRead: ...

    def iterate(self, conversation_id: UUID) -> AsyncIterator[MessageRead]: ...

    async def rewind(self, conversation_id: UUID, to_position: int) -> ConversationRead: ...


class Chats(Protocol):
    """What stands in for `UserChats`."""

    @property
    def conversations(self) -> Conversations: ...

    @property
    def messages(self) -> Messages: ...
