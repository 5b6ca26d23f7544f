"""Trying again for some seconds, which outlives a restart of the server."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chat_persistence.errors import StoreUnavailable
from chat_persistence.operations import count_retry
from chat_persistence.translation import has_hit_a_limit

Answer = TypeVar("Answer")

PAUSES_SECONDS = (0.1, 0.4, 1.6, 6.4)
"""After each of them what failed is tried again."""


async def patiently(attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return what an attempt that can be repeated comes to."""
    for pause in PAUSES_SECONDS:
        try:
            return await attempt()
        except StoreUnavailable as failure:
            if has_hit_a_limit(failure):
                raise
        count_retry()
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
    return await attempt()
