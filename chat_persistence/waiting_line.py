"""The line in which callers wait for one of the pool's connections: first come, first served.

The pool alone lets a task that has just returned a connection take it again before the waiting ones wake: with
50 tasks on 10 connections, one call in twenty took eight times as long as the median.
"""

import asyncio
from collections import deque

from chat_persistence.errors import PoolTimeout


class WaitingLine:
    """As many places as a pool has connections; whoever enters leaves. `timeout` is in seconds."""

    def __init__(self, places: int, timeout: float) -> None:
        self._free = places
        self._timeout = timeout
        self._waiting: deque[asyncio.Future[None]] = deque()

    def enter_at_once(self) -> bool:
        """Take a place if one is free; nobody waits then."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def enter(self) -> None:
        """Wait for a place, or raise `PoolTimeout`."""
        if self.enter_at_once():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._timeout):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if not turn.cancel() and not turn.cancelled():
                self.leave()  # the place was given in the same moment
            if isinstance(error, asyncio.CancelledError):
                raise
        else:
            return
        raise PoolTimeout("every connection of the pool was in use for too long")

    def leave(self) -> None:
        """Give the place to who has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
