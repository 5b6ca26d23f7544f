"""Who follows what by means of one store: woken when something is announced, and else after a while.

Nothing that is read depends on an announcement. It only ends a wait that would have ended by itself.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from chat_persistence.errors import StoreClosed

TOLD_SECONDS = 5.0
"""How long who is told waits at most: an announcement may be lost."""

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 2.0
"""Who is told of nothing looks after the first of them, and each time that there was nothing, half as often."""

REST_SECONDS = 0.01
"""Between two announcements that are heeded: what comes up meanwhile is read at once."""

RENEWAL_SECONDS = 25.0
"""After which a lease of a minute is renewed, or asked for again when it was refused."""

BUSY_SECONDS = 1.0
"""After which one is asked for again that could not be had because somebody was changing the row."""

END_SECONDS = 0.4


class Watches:
    """All that is watched by means of one store. `listen`, where there is one, runs while anything is."""

    def __init__(self, listen: "Callable[[Watches], Coroutine[Any, Any, None]] | None" = None) -> None:
        self.is_closed = False
        self._listen = listen
        self._is_listening = False
        self._watches: dict[str, set[Watch]] = {}
        self._leases: dict[str, tuple[bool, float]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, name: str) -> "Watch":
        """Return a watch of what is announced under a name, for one `with` block."""
        return Watch(self, name)

    def add(self, watch: "Watch") -> None:
        """Begin a watch."""
        self._watches.setdefault(watch.name, set()).add(watch)
        if self._listener is None and self._listen is not None and not self.is_closed:
            self._listener = asyncio.create_task(self._listen(self))
            self._tasks.add(self._listener)
            self._listener.add_done_callback(self._tasks.discard)

    def remove(self, watch: "Watch") -> None:
        """End a watch."""
        of_same_name = self._watches[watch.name]
        of_same_name.remove(watch)
        if not of_same_name:
            del self._watches[watch.name]
            self._leases.pop(watch.name, None)
        if not self._watches:
            self._stop_listening()

    def wake(self, name: str) -> None:
        """Wake who watches this name."""
        for watch in self._watches.get(name, ()):
            watch.wake()

    def hear(self, *, whether: bool) -> None:
        """Take note that announcements are heard from now on, or not any more; everybody looks what was missed."""
        self._is_listening = whether
        self._wake_all()

    def is_lease_due(self, name: str) -> bool:
        """Whether it should be said that this is followed: only to who hears announcements are any made."""
        _, until = self._leases.get(name, (False, 0.0))
        return self._is_listening and time.monotonic() >= until

    def leased(self, name: str, *, is_held: bool, seconds: float) -> None:
        """Take note that it was said, or could not be, and need not be tried again for so long."""
        self._leases[name] = (is_held, time.monotonic() + seconds)

    def is_told(self, name: str) -> bool:
        """Whether what comes up under this name is announced, and heard."""
        is_held, _ = self._leases.get(name, (False, 0.0))
        return self._is_listening and is_held

    async def aclose(self) -> None:
        """Send everybody home: who waits, or would, meets `StoreClosed`."""
        self.is_closed = True
        self._wake_all()
        self._stop_listening()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=END_SECONDS)

    def _wake_all(self) -> None:
        for name in self._watches:
            self.wake(name)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None


class Watch:
    """One who looks, and waits, and looks again."""

    def __init__(self, watches: Watches, name: str) -> None:
        self.name = name
        self._watches = watches
        self._something = asyncio.Event()
        self._seconds = FIRST_SECONDS
        self._rested = 0.0

    def __enter__(self) -> Self:
        self._watches.add(self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watches.remove(self)

    def is_lease_due(self) -> bool:
        """Whether it should be said, once more, that this is followed."""
        return self._watches.is_lease_due(self.name)

    def leased(self, *, is_held: bool) -> None:
        """Take note that it was said, or that the row was busy."""
        self._watches.leased(self.name, is_held=is_held, seconds=RENEWAL_SECONDS if is_held else BUSY_SECONDS)

    def lease_refused(self) -> None:
        """Take note that it may not be said."""
        self._watches.leased(self.name, is_held=False, seconds=RENEWAL_SECONDS)

    def wake(self) -> None:
        """End the wait."""
        self._something.set()

    def looks(self) -> None:
        """Begin to look: what is announced from now on ends the next wait before it begins."""
        self._something.clear()

    def finds(self) -> None:
        """Take note that there was something, so that there may soon be more."""
        self._seconds = FIRST_SECONDS

    async def wait(self) -> None:
        """Wait until it is time to look again."""
        if self._watches.is_told(self.name):
            await self.wait_at_most(TOLD_SECONDS)
        else:
            seconds, self._seconds = self._seconds, min(2 * self._seconds, LONGEST_SECONDS)
            await self.wait_at_most(seconds)
        await asyncio.sleep(self._rested + REST_SECONDS - time.monotonic())
        self._rested = time.monotonic()

    async def wait_at_most(self, seconds: float) -> None:
        """Wait for an announcement, so long; raise `StoreClosed` as soon as the store is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._something.wait()
        if self._watches.is_closed:
            raise StoreClosed
