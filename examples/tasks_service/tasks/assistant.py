"""The model: a pretend one, which answers word by word."""

import asyncio
from collections.abc import AsyncGenerator

from chat_persistence import MessageRead


async def reply(history: list[MessageRead], pause: float = 0.02) -> AsyncGenerator[str, None]:
    question = history[-1].content
    for word in f"You said in message {len(history)}: {question}".split():
        await asyncio.sleep(pause)
        yield word + " "
