"""Two sessions, kept by OpenAI's Agents SDK."""

import asyncio
import sys

from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

ITEMS = [
    {"role": "user", "content": "A train to Rome, please"},
    {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "A train."}]},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "book", "arguments": '{"to":"Rome"}'},
    {"type": "function_call_output", "call_id": "call_1", "output": "12A"},
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Booked: 12A.", "annotations": [], "logprobs": []}],
    },
]
IMAGE = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": "data:,"}]


async def main(url: str) -> None:
    engine = create_async_engine(url)
    session = SQLAlchemySession("ada:rome", engine=engine, create_tables=True)
    await session.add_items(ITEMS[:1])
    await session.add_items(ITEMS[1:])
    await SQLAlchemySession("grace:image", engine=engine).add_items([{"role": "user", "content": IMAGE}])
    await SQLAlchemySession("nobody", engine=engine).add_items([{"role": "user", "content": "Hello"}])
    await engine.dispose()


asyncio.run(main(sys.argv[1].replace("postgresql:", "postgresql+asyncpg:")))
