"""The connections of single operations: each is kept for the next one, and not walked through the pool for it.

A walk through SQLAlchemy's pool, a greenlet and the driver's adapter costs as much as the driver itself. A host's
pool is not kept from its host: there, every operation takes that walk.
"""

import time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import PoolProxiedConnection, QueuePool
from sqlalchemy.util import greenlet_spawn

from chat_persistence.closing import close_or_terminate
from chat_persistence.own_pool import OwnPool
from chat_persistence.waiting_line import WaitingLine

KEPT_SECONDS = 60.0
"""After that a connection goes through the pool, which makes an old one anew."""


class Lease:
    """A connection out of the pool. `driver` is in no transaction: every statement on it commits by itself."""

    __slots__ = ("driver", "pooled", "until")

    def __init__(self, pooled: PoolProxiedConnection) -> None:
        self.pooled = pooled
        self.driver: Any = pooled.driver_connection
        self.until = time.monotonic() + KEPT_SECONDS

    def is_good(self) -> bool:
        """Whether it can be kept; a connection that died while idle knows, without a round trip."""
        return self.pooled.is_valid and not self.driver.is_closed() and time.monotonic() < self.until


class Leases:
    """All connections of a store: those in use by single operations, those kept, and those of units of work."""

    def __init__(self, engine: AsyncEngine, *, keeps: bool) -> None:
        self._engine = engine.sync_engine
        self._keeps = keeps
        self._kept: list[Lease] = []
        self._too_old = 0.0
        pool = engine.sync_engine.pool
        self._own_pool = OwnPool(pool) if keeps else None
        # A host's pool is shared with those who do not stand in line.
        self._line = WaitingLine(pool.size(), pool.timeout()) if keeps and isinstance(pool, QueuePool) else None

    async def take(self) -> Lease:
        """Return a connection; `give_back` ends its use."""
        if self._line is not None and not self._line.enter_at_once():
            await self._line.enter()
        while self._kept:
            # The one that answered last: its backend is warm, and taking turns would cost a third of a read.
            lease = self._kept.pop()
            if lease.is_good():
                return lease
            lease.pooled.close()
        try:
            return Lease(await greenlet_spawn(self._engine.pool.connect))
        except BaseException:
            self._leave()
            raise

    async def give_back(self, lease: Lease) -> None:
        """Keep the connection for the next operation, which looks whether it is still good."""
        try:
            if self._keeps and lease.until > self._too_old:
                self._kept.append(lease)
            else:
                # A host's pool may close what it has enough of, which takes a greenlet.
                await greenlet_spawn(lease.pooled.close)
        finally:
            self._leave()

    async def discard(self, lease: Lease) -> None:
        """Close a connection that did not answer in time, having the server told to stop; a second at most.

        It may lead into a black hole, and nobody else should fall into it. `give_back` still ends its use.
        """
        await close_or_terminate(lease.driver)
        await greenlet_spawn(lease.pooled.invalidate)

    def make_all_anew(self) -> None:
        """Have every connection be replaced before its next use: the server has become read-only.

        Not on a host's engine, whose pool is the host's.
        """
        if self._own_pool is not None:
            self._own_pool.make_all_anew()
            self._too_old = time.monotonic() + KEPT_SECONDS
            self._return_kept()

    async def reserve(self) -> None:
        """See that the pool has a connection for a unit of work; `release` ends that."""
        if self._line is not None:
            await self._line.enter()
        if self._kept:
            self._kept.pop(0).pooled.close()

    def release(self) -> None:
        """Say that the unit of work has returned its connection to the pool."""
        self._leave()

    async def close(self) -> None:
        """Keep nothing any more, and close all connections of a pool of our own, in use or not."""
        self._keeps = False
        self._return_kept()
        if self._line is not None:
            self._line.close()
        if self._own_pool is not None:
            await self._own_pool.close_connections()

    def _return_kept(self) -> None:
        while self._kept:
            self._kept.pop().pooled.close()

    def _leave(self) -> None:
        if self._line is not None:
            self._line.leave()
