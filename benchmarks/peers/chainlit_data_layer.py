"""Chainlit: `SQLAlchemyDataLayer`, one step a message, on the tables that its documentation gives."""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from chainlit.context import init_http_context
from chainlit.data.sql_alchemy import SQLAlchemyDataLayer
from chainlit.types import Pagination, ThreadFilter
from chainlit.user import User
from sqlalchemy import text

from benchmarks import dialogue
from benchmarks.contender import Contender
from benchmarks.loops import LAST, LISTED
from benchmarks.peers.serving import serve, sqlalchemy_url

TABLES = """
    CREATE TABLE IF NOT EXISTS users (
        "id" UUID PRIMARY KEY, "identifier" TEXT NOT NULL UNIQUE, "metadata" JSONB NOT NULL, "createdAt" TEXT);
    CREATE TABLE IF NOT EXISTS threads (
        "id" UUID PRIMARY KEY, "createdAt" TEXT, "name" TEXT, "userId" UUID, "userIdentifier" TEXT,
        "tags" TEXT[], "metadata" JSONB, FOREIGN KEY ("userId") REFERENCES users("id") ON DELETE CASCADE);
    CREATE TABLE IF NOT EXISTS steps (
        "id" UUID PRIMARY KEY, "name" TEXT NOT NULL, "type" TEXT NOT NULL, "threadId" UUID NOT NULL,
        "parentId" UUID, "streaming" BOOLEAN NOT NULL, "waitForAnswer" BOOLEAN, "isError" BOOLEAN,
        "metadata" JSONB, "tags" TEXT[], "input" TEXT, "output" TEXT, "createdAt" TEXT, "command" TEXT,
        "start" TEXT, "end" TEXT, "generation" JSONB, "showInput" TEXT, "language" TEXT, "indent" INT,
        "defaultOpen" BOOLEAN, "modes" JSONB,
        FOREIGN KEY ("threadId") REFERENCES threads("id") ON DELETE CASCADE);
    CREATE TABLE IF NOT EXISTS elements (
        "id" UUID PRIMARY KEY, "threadId" UUID, "type" TEXT, "url" TEXT, "chainlitKey" TEXT, "name" TEXT NOT NULL,
        "display" TEXT, "objectKey" TEXT, "size" TEXT, "page" INT, "language" TEXT, "forId" UUID, "mime" TEXT,
        "props" JSONB, FOREIGN KEY ("threadId") REFERENCES threads("id") ON DELETE CASCADE);
    CREATE TABLE IF NOT EXISTS feedbacks (
        "id" UUID PRIMARY KEY, "forId" UUID NOT NULL, "threadId" UUID NOT NULL, "value" INT NOT NULL,
        "comment" TEXT, FOREIGN KEY ("threadId") REFERENCES threads("id") ON DELETE CASCADE)
"""

FEW = 8

# It takes one step a call: longer conversations are the first turns again, and older.
MULTIPLY = text("""
    INSERT INTO steps ("id", "name", "type", "threadId", "streaming", "metadata", "output", "createdAt", "generation")
    SELECT gen_random_uuid(), "name", "type", "threadId", "streaming", "metadata", "output",
           to_char("createdAt"::timestamp - interval '30 days' + nth * interval '1 second',
                   'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           "generation"
    FROM steps, generate_series(1, :times) AS nth WHERE "threadId" = :thread
""")


class Chainlit(Contender):
    """It has no way to read a thread in part."""

    lists = True

    async def open(self, url: str) -> None:
        init_http_context()  # without which its writes refuse to run
        self._layer = SQLAlchemyDataLayer(sqlalchemy_url(url))
        async with self._layer.engine.begin() as connection:
            for statement in TABLES.split(";\n"):
                await connection.execute(text(statement))
        self._users = {name: await self._layer.create_user(User(identifier=name)) for name in ("ada", "lister")}

    async def close(self) -> None:
        await self._layer.engine.dispose()

    async def begin(self, conversation: str) -> None:
        user = self._users["lister" if conversation.startswith("listed-") else "ada"]
        await self._layer.update_thread(thread_of(conversation), name="A chat", user_id=user.id)

    async def fill(self, conversation: str, messages: int) -> None:
        await self.begin(conversation)
        for number in range(min(messages, FEW) // 2):
            await self.append(conversation, number)
        if messages > FEW:
            place = {"times": messages // FEW - 1, "thread": thread_of(conversation)}
            async with self._layer.engine.begin() as connection:
                await connection.execute(MULTIPLY, place)

    async def append(self, conversation: str, number: int) -> None:
        for step in turn_steps(conversation, number):
            await self._layer.create_step(step)

    async def last(self, conversation: str) -> list[Any]:
        thread = await self._layer.get_thread(thread_of(conversation))
        return thread["steps"][-LAST:]

    def contents(self, messages: list[Any]) -> list[str]:
        return [message["output"] for message in messages]

    async def list_conversations(self) -> list[Any]:
        wanted = ThreadFilter(userId=self._users["lister"].id)
        return (await self._layer.list_threads(Pagination(first=LISTED), wanted)).data


def thread_of(conversation: str) -> str:
    return str(uuid5(NAMESPACE_URL, conversation))


def turn_steps(conversation: str, number: int) -> list[Any]:
    turn = dialogue.turn(number)
    return [
        step(conversation, "user_message", turn.question, {}),
        step(conversation, "assistant_message", turn.answer, {"tool_calls": turn.calls()}),
    ]


def step(conversation: str, kind: str, output: str, metadata: dict[str, Any]) -> Any:
    return {
        "id": str(uuid4()),
        "threadId": thread_of(conversation),
        "name": kind,
        "type": kind,
        "streaming": False,
        "output": output,
        "metadata": metadata,
        "createdAt": datetime.now(UTC).replace(tzinfo=None).isoformat() + "Z",
    }


if __name__ == "__main__":
    serve(Chainlit(), ["chainlit", "sqlalchemy", "asyncpg"])
