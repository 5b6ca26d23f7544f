"""OpenAI Agents SDK: `SQLAlchemySession`, one kept per conversation, all on one engine."""

from functools import cache
from typing import Any

from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks import dialogue
from benchmarks.contender import Contender
from benchmarks.loops import LAST
from benchmarks.peers.serving import serve, sqlalchemy_url

BATCH = 1000


class OpenAIAgents(Contender):
    """Items are stored as JSON text, so a turn is two of them, whatever is in them."""

    async def open(self, url: str) -> None:
        self._engine = create_async_engine(sqlalchemy_url(url))
        self._session = cache(lambda name: SQLAlchemySession(name, engine=self._engine))
        await SQLAlchemySession("first", engine=self._engine, create_tables=True).get_items()

    async def close(self) -> None:
        await self._engine.dispose()

    async def fill(self, conversation: str, messages: int) -> None:
        items = [item for number in range(messages // 2) for item in turn_items(number)]
        for start in range(0, len(items), BATCH):
            await self._session(conversation).add_items(items[start : start + BATCH])

    async def append(self, conversation: str, number: int) -> None:
        await self._session(conversation).add_items(turn_items(number))

    async def last(self, conversation: str) -> list[Any]:
        return await self._session(conversation).get_items(LAST)

    def contents(self, messages: list[Any]) -> list[str]:
        return [message["content"] for message in messages]


def turn_items(number: int) -> list[Any]:
    turn = dialogue.turn(number)
    return [
        {"role": "user", "content": turn.question},
        {"role": "assistant", "content": turn.answer, "tool_calls": turn.calls()},
    ]


if __name__ == "__main__":
    serve(OpenAIAgents(), ["openai-agents", "sqlalchemy", "asyncpg"])
