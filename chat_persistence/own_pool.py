"""The pool of a store's own engine: what is open in it is closed, or made anew, all at once."""

import asyncio
from typing import Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection

from chat_persistence.closing import close_or_terminate


class OwnPool:
    """Knows every connection that was made for the pool, in use or not."""

    def __init__(self, pool: Pool) -> None:
        self._open: WeakSet[Any] = WeakSet()
        self._refused: WeakSet[Any] = WeakSet()
        event.listen(pool, "connect", self._remember)
        event.listen(pool, "checkout", self._refuse)

    def make_all_anew(self) -> None:
        """Have each connection that there is be replaced before its next use."""
        self._refused.update(self._open)

    async def close_connections(self) -> None:
        """Close them all, in use or not, within a second."""
        # With asyncpg 0.30, who waits for the same cancellation as somebody who gives up is cancelled with it.
        await asyncio.gather(*[close_or_terminate(driver) for driver in self._open], return_exceptions=True)

    def _remember(self, _: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        self._open.add(entry.driver_connection)

    def _refuse(self, _: DBAPIConnection, entry: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
        if self._refused and entry.driver_connection in self._refused:
            raise DisconnectionError
