"""LlamaIndex: `PostgresChatStore`, which keeps a conversation as one array in one row."""

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.storage.chat_store.postgres import PostgresChatStore

from benchmarks import dialogue
from benchmarks.contender import Contender
from benchmarks.loops import LAST
from benchmarks.peers.serving import serve, sqlalchemy_url


class LlamaIndex(Contender):
    """It adds one message at a time."""

    async def open(self, url: str) -> None:
        self._store = PostgresChatStore.from_params(
            connection_string=sqlalchemy_url(url, "psycopg"), async_connection_string=sqlalchemy_url(url)
        )

    async def close(self) -> None:
        await self._store._async_session.kw["bind"].dispose()
        self._store._session.kw["bind"].dispose()

    async def fill(self, conversation: str, messages: int) -> None:
        both = [message for number in range(messages // 2) for message in turn_messages(number)]
        await self._store.aset_messages(conversation, both)

    async def append(self, conversation: str, number: int) -> None:
        for message in turn_messages(number):
            await self._store.async_add_message(conversation, message)

    async def last(self, conversation: str) -> list[ChatMessage]:
        return (await self._store.aget_messages(conversation))[-LAST:]

    def contents(self, messages: list[Any]) -> list[str]:
        return [message.content for message in messages]


def turn_messages(number: int) -> list[ChatMessage]:
    turn = dialogue.turn(number)
    return [
        ChatMessage(role=MessageRole.USER, content=turn.question),
        ChatMessage(role=MessageRole.ASSISTANT, content=turn.answer, additional_kwargs={"tool_calls": turn.calls()}),
    ]


if __name__ == "__main__":
    serve(LlamaIndex(), ["llama-index-storage-chat-store-postgres", "llama-index-core", "sqlalchemy", "asyncpg"])
