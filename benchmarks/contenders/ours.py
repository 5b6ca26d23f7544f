"""This library, as its README uses it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from benchmarks import dialogue, filling
from benchmarks.contender import Contender
from benchmarks.loops import LAST, LISTED
from benchmarks.names import LISTER, USER, conversation_id
from chat_persistence import ChatStore, ConversationRead, MessageCreate, MessageRead, MessageRole, ToolCall, UserChats


class Ours(Contender):
    """One store, one user's chats."""

    lists = True

    async def open(self, url: str) -> None:
        self._url = url
        self._store = await ChatStore(url).__aenter__()
        await self._store.migrate()
        self._chat = self._store.for_user(USER)
        self._lister = self._store.for_user(LISTER)

    async def close(self) -> None:
        await self._store.aclose()

    async def begin(self, conversation: str) -> None:
        """Create it, by the id that stands for its name."""
        await self._chat.conversations.create(id=conversation_id(conversation))

    async def fill(self, conversation: str, messages: int) -> None:
        await filling.fill(self._url, conversation, messages)

    async def append(self, conversation: str, number: int) -> None:
        await append_turn(self._chat, conversation_id(conversation), number)

    async def last(self, conversation: str) -> list[MessageRead]:
        return await self._chat.messages.last(conversation_id(conversation), LAST)

    def contents(self, messages: Sequence[Any]) -> list[str]:
        return [message.content for message in messages]

    async def list_conversations(self) -> Sequence[ConversationRead]:
        return (await self._lister.conversations.page(LISTED)).items


async def append_turn(chat: UserChats, conversation: UUID, number: int) -> None:
    """Store a turn in one statement; making and checking the values is part of it."""
    turn = dialogue.turn(number)
    call = turn.call
    await chat.messages.append(
        conversation,
        MessageCreate(role=MessageRole.USER, content=turn.question),
        MessageCreate(
            role=MessageRole.ASSISTANT,
            content=turn.answer,
            tool_calls=[ToolCall(id=call.id, name=call.name, arguments=call.arguments)] if call else [],
        ),
    )
