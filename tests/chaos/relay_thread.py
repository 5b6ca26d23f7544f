"""A relay on a loop of its own, so that lines are carried and cut while the loop of a test stands still."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chat_persistence.selftest.relay import Relay


@dataclass(frozen=True)
class RelayThread:
    """A relay, and the URL that leads through it."""

    url: str
    relay: Relay
    loop: asyncio.AbstractEventLoop

    def do(self, work: Callable[[], None]) -> None:
        """Do something to the relay, and come back when it is done."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(work)
        self.loop.call_soon_threadsafe(done.set)
        done.wait()


@contextmanager
def relay_thread(url: str) -> Iterator[RelayThread]:
    """Carry lines to the server of a URL until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    relay = Relay(url)
    listening = relay.listening()
    try:
        through = asyncio.run_coroutine_threadsafe(listening.__aenter__(), loop).result()
        yield RelayThread(through, relay, loop)
        asyncio.run_coroutine_threadsafe(listening.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
