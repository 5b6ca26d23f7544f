"""Threads, kept by Chainlit's SQLAlchemy data layer on the tables that its documentation gives."""

import asyncio
import sys
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from chainlit.context import init_http_context
from chainlit.data.sql_alchemy import SQLAlchemyDataLayer
from chainlit.user import User
from sqlalchemy import text

from benchmarks.peers.chainlit_data_layer import TABLES

ROME = str(uuid5(NAMESPACE_URL, "rome"))
NOBODY = str(uuid5(NAMESPACE_URL, "nobody"))


def step(thread: str, kind: str, output: str, second: int, **more: Any) -> Any:
    created = f"2025-03-04T09:10:{second:02}.123000Z"
    known = {"id": str(uuid5(NAMESPACE_URL, f"{thread} {second}")), "threadId": thread, "name": kind, "type": kind}
    return {**known, "streaming": False, "output": output, "createdAt": created, "metadata": {}, **more}


async def main(url: str) -> None:
    init_http_context()
    layer = SQLAlchemyDataLayer(url)
    async with layer.engine.begin() as connection:
        for statement in TABLES.split(";\n"):
            await connection.execute(text(statement))
    ada = await layer.create_user(User(identifier="ada@example.org"))
    await layer.update_thread(ROME, name="Rome", user_id=ada.id, metadata={"topic": "rome"}, tags=["trains"])
    await layer.update_thread(NOBODY, name="Hello")
    for made in (
        step(ROME, "user_message", "A train to Rome, please", 1),
        step(ROME, "tool", "12A", 2, name="book", input='{"to": "Rome"}', start="2025-03-04T09:10:02.123000Z"),
        step(ROME, "assistant_message", "Booked: 12A.", 3),
        step(NOBODY, "user_message", "Hello?", 4),
    ):
        await layer.create_step(made)
    await layer.engine.dispose()


asyncio.run(main(sys.argv[1].replace("postgresql:", "postgresql+asyncpg:")))
