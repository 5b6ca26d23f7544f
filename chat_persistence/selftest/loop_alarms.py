"""Exceptions that nobody is left to take: they reach the event loop's handler, and a host's alarms from there."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def loop_alarms() -> Iterator[Callable[[], int]]:
    """Yield what tells how many there were in this block."""
    loop = asyncio.get_running_loop()
    alarms: list[str] = []

    def take(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        alarms.append(context["message"])

    def count() -> int:
        gc.collect()  # an exception is told of when its task or future is forgotten
        return len(alarms)

    before = loop.get_exception_handler()
    loop.set_exception_handler(take)
    try:
        yield count
    finally:
        loop.set_exception_handler(before)
