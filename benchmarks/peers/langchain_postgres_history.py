"""langchain-postgres: `PostgresChatMessageHistory`, made per call on a connection of psycopg's pool."""

import json
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_postgres import PostgresChatMessageHistory
from psycopg_pool import AsyncConnectionPool

from benchmarks import dialogue
from benchmarks.contender import Contender
from benchmarks.loops import LAST
from benchmarks.peers.serving import serve

TABLE = "chat_history"
BATCH = 1000


class LangChain(Contender):
    """It takes one connection and has no pool; one connection for all tasks would be slower than this."""

    async def open(self, url: str) -> None:
        self._pool = AsyncConnectionPool(url, min_size=4, max_size=10, open=False)
        await self._pool.open()
        async with self._pool.connection() as connection:
            await PostgresChatMessageHistory.acreate_tables(connection, TABLE)

    async def close(self) -> None:
        await self._pool.close()

    async def fill(self, conversation: str, messages: int) -> None:
        both = [message for number in range(messages // 2) for message in turn_messages(number)]
        for start in range(0, len(both), BATCH):
            await self._add(conversation, both[start : start + BATCH])

    async def append(self, conversation: str, number: int) -> None:
        await self._add(conversation, turn_messages(number))

    async def last(self, conversation: str) -> list[BaseMessage]:
        async with self._pool.connection() as connection:
            return (await history(connection, conversation).aget_messages())[-LAST:]

    def contents(self, messages: list[Any]) -> list[str]:
        return [message.content for message in messages]

    async def _add(self, conversation: str, messages: list[BaseMessage]) -> None:
        async with self._pool.connection() as connection:
            await history(connection, conversation).aadd_messages(messages)


def history(connection: Any, conversation: str) -> PostgresChatMessageHistory:
    session_id = str(uuid5(NAMESPACE_URL, conversation))
    return PostgresChatMessageHistory(TABLE, session_id, async_connection=connection)


def turn_messages(number: int) -> list[BaseMessage]:
    turn = dialogue.turn(number)
    calls = [{"id": call["id"], "name": call["name"], "args": json.loads(call["arguments"])} for call in turn.calls()]
    return [HumanMessage(turn.question), AIMessage(turn.answer, tool_calls=calls)]


if __name__ == "__main__":
    serve(LangChain(), ["langchain-postgres", "langchain-core", "psycopg"])
