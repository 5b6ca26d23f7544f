"""LangGraph: `AsyncPostgresSaver`, holding a thread's messages as one channel, as `MessagesState` does."""

import json
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks import dialogue
from benchmarks.contender import Contender
from benchmarks.loops import LAST
from benchmarks.peers.serving import serve

CHANNEL = "messages"
VERSION = 4
"""What its runtime writes; a checkpoint of an older version costs another statement when it is read."""


class LangGraph(Contender):
    """One checkpoint a turn, without the graph around it, which would store three and their writes."""

    async def open(self, url: str) -> None:
        # What its documentation asks of a pool.
        settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        self._pool = AsyncConnectionPool(url, min_size=4, max_size=10, open=False, kwargs=settings)
        await self._pool.open()
        self._saver = AsyncPostgresSaver(self._pool)
        await self._saver.setup()

    async def close(self) -> None:
        await self._pool.close()

    async def fill(self, conversation: str, messages: int) -> None:
        both = [message for number in range(messages // 2) for message in turn_messages(number)]
        await self._put(conversation, None, both)

    async def append(self, conversation: str, number: int) -> None:
        stored = await self._saver.aget_tuple(configuration(conversation))
        await self._put(conversation, stored, [*messages_of(stored), *turn_messages(number)])

    async def last(self, conversation: str) -> list[BaseMessage]:
        return messages_of(await self._saver.aget_tuple(configuration(conversation)))[-LAST:]

    async def read_then_append(self, conversation: str, number: int) -> None:
        # The read serves both, as it does within a graph.
        await self.append(conversation, number)

    def contents(self, messages: list[Any]) -> list[str]:
        return [message.content for message in messages]

    async def _put(self, conversation: str, stored: Any, messages: list[BaseMessage]) -> None:
        checkpoint = empty_checkpoint()
        checkpoint["v"] = VERSION
        before = stored.checkpoint["channel_versions"][CHANNEL] if stored else None
        version = self._saver.get_next_version(before, None)
        checkpoint["channel_values"] = {CHANNEL: messages}
        checkpoint["channel_versions"] = {CHANNEL: version}
        parent = stored.config if stored else configuration(conversation)
        metadata: Any = {"source": "loop", "step": 1, "parents": {}}
        await self._saver.aput(parent, checkpoint, metadata, {CHANNEL: version})


def configuration(conversation: str) -> Any:
    return {"configurable": {"thread_id": conversation, "checkpoint_ns": ""}}


def messages_of(stored: Any) -> list[BaseMessage]:
    return stored.checkpoint["channel_values"].get(CHANNEL, []) if stored else []


def turn_messages(number: int) -> list[BaseMessage]:
    turn = dialogue.turn(number)
    calls = [{"id": call["id"], "name": call["name"], "args": json.loads(call["arguments"])} for call in turn.calls()]
    return [HumanMessage(turn.question), AIMessage(turn.answer, tool_calls=calls)]


if __name__ == "__main__":
    serve(LangGraph(), ["langgraph-checkpoint-postgres", "langgraph-checkpoint", "langchain-core", "psycopg"])
