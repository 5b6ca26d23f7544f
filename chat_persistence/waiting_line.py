"""The line in which callers wait for one of the pool's connections: first come, first served.

The pool alone lets a task that has just returned a connection take it again before the waiting ones wake: with
50 tasks on 10 connections, one call in twenty took eight times as long as the median.
"""

import asyncio
from collections import deque

from chat_persistence.errors import PoolTimeout, StoreClosed


class WaitingLine:
    """As many places as a pool has connections; whoever enters leaves. `timeout` is in seconds."""

    def __init__(self, places: int, timeout: float) -> None:
        self._free = places
        self._timeout = timeout
        # When each gives up, and whether it was given a place. All wait equally long, so one alarm does for all:
        # a timer for each would cost as much as the rest of the waiting.
        self._waiting: deque[tuple[float, asyncio.Future[bool]]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._is_closed = False

    def enter_at_once(self) -> bool:
        """Take a place if one is free; nobody waits then."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def enter(self) -> None:
        """Wait for a place, or raise `PoolTimeout`, or `StoreClosed` when the line is closed meanwhile."""
        if self.enter_at_once():
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((loop.time() + self._timeout, turn))
        if self._alarm is None:
            self._alarm = loop.call_later(self._timeout, self._give_up)
        try:
            has_place = await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result():
                self.leave()  # the place was given in the same moment
            raise
        if not has_place and self._is_closed:
            raise StoreClosed
        if not has_place:
            raise PoolTimeout("every connection of the pool was in use for too long")

    def leave(self) -> None:
        """Give the place to who has waited longest."""
        while self._waiting:
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self._free += 1

    def close(self) -> None:
        """Send everybody away who waits."""
        self._is_closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        for _, turn in self._waiting:
            if not turn.done():
                turn.set_result(False)

    def _give_up(self) -> None:
        loop = asyncio.get_running_loop()
        self._alarm = None
        while self._waiting and self._alarm is None:
            deadline, turn = self._waiting[0]
            if turn.done() or deadline <= loop.time():
                self._waiting.popleft()
                if not turn.done():
                    turn.set_result(False)
            else:
                self._alarm = loop.call_at(deadline, self._give_up)
