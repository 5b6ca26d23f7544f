"""The one connection by which a store hears announcements: outside its pool, and made anew whenever it is lost."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.compilation import Compilation
from chat_persistence.poolers import is_server
from chat_persistence.statements.announcing import CHANNEL
from chat_persistence.translation import translate
from chat_persistence.watches import Watches

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0

PULSE_SECONDS = 30.0
"""After which the other side is asked whether it is still there: a line that was cut in silence ends by this alone."""

ANSWER_SECONDS = 10.0
"""For that answer, since a host's connection may have no limit."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def detached(engine: AsyncEngine) -> AsyncIterator[Any]:
    """Yield a connection of the driver's own, made as a host's engine makes them, and taken out of its pool."""
    async with engine.connect() as connection:
        pooled = await connection.get_raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()  # there is room for another from now on
        try:
            yield driver
        finally:
            driver.terminate()


class Listener:
    """Listens for the watches of one store, on a connection of the driver's own that `connect` yields."""

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Any]], compilation: Compilation) -> None:
        self._connect = connect
        self._compilation = compilation

    async def listen(self, watches: Watches) -> None:
        """Listen until cancelled; or return, having listened to nothing, when it is a pooler that answers."""
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._connect() as connection:
                    # Behind a pooler, somebody else's connection would listen, and nobody hear.
                    if not await is_server(connection, self._compilation):
                        return
                    await connection.add_listener(CHANNEL, lambda _, __, ___, name: watches.wake(name))
                    pause = FIRST_PAUSE
                    await _hear(connection, watches)
            except Exception as error:
                _log.debug("not listening: %s", translate(error))
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE)


async def _hear(connection: Any, watches: Watches) -> None:
    """Return when the connection is lost."""
    is_lost = asyncio.Event()
    connection.add_termination_listener(lambda _: is_lost.set())
    watches.hear(whether=True)
    try:
        while not is_lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PULSE_SECONDS):
                    await is_lost.wait()
                    return
            await connection.fetchrow(";", timeout=ANSWER_SECONDS)
    finally:
        watches.hear(whether=False)
