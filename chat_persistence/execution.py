"""How one statement is run: alone or inside a transaction, cancelled or not, tried again or not.

A single operation goes below SQLAlchemy's `Connection`, in one greenlet around the pool and the driver's
adapter: 0.7 of the time of a plain asyncpg pool, where `await connection.execute` takes all of it. No event,
echo or instrumentor sees that path, so it logs on its own: names and durations, never values.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import Pool, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from chat_persistence.compilation import Compilation, CompiledStatement, Statement
from chat_persistence.errors import ChatPersistenceError, OutcomeUnknown, PoolTimeout, StoreUnavailable
from chat_persistence.owned_tasks import Caller, OwnedTasks
from chat_persistence.translation import find_sqlstate, is_outcome_known, translate

Rows = Sequence[Sequence[Any]]

ATTEMPTS = 3
RETRY_WINDOW_SECONDS = 5.0
"""After a failure that took longer, the caller decides: a black hole must not cost three time limits."""

_STALE_PLAN = "0A000"
_log = logging.getLogger(__name__)


class Execution(Protocol):
    """What a repository needs to run its statements."""

    @property
    def is_alone(self) -> bool:
        """Whether each statement is its own transaction, so that one that lost a race may be run again."""

    async def fetch(self, statement: Statement, *, repeatable: bool = True, **arguments: Any) -> Rows:
        """Run a statement and return all of its rows, or raise one of our errors."""


class AloneExecution:
    """Runs each statement as its own transaction, in a task that the store owns."""

    is_alone = True

    def __init__(self, engine: AsyncEngine, compilation: Compilation, tasks: OwnedTasks) -> None:
        self._engine = engine
        self._compilation = compilation
        self._tasks = tasks

    async def fetch(self, statement: Statement, *, repeatable: bool = True, **arguments: Any) -> Rows:
        """Run a statement; try again what surely did not happen, or may happen twice (`repeatable`)."""
        compiled = self._compilation[statement]
        values = compiled.arguments(arguments)

        async def work(caller: Caller) -> Rows:
            return await self._attempt(statement.__name__, compiled, values, caller, repeatable=repeatable)

        return await self._tasks.run(work)

    async def _attempt(
        self,
        name: str,
        compiled: CompiledStatement,
        values: tuple[Any, ...],
        caller: Caller,
        *,
        repeatable: bool,
    ) -> Rows:
        started = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            run = SingleRun(self._engine.sync_engine.pool, compiled.sql, values, caller.has_abandoned)
            try:
                rows = await greenlet_spawn(run)
            except Exception as error:
                failure = translate(error)
            else:
                _log.debug("%s: %d rows, %.1f ms", name, len(rows), (time.monotonic() - started) * 1000)
                return rows
            if run.was_sent and not repeatable and not is_outcome_known(failure):
                raise OutcomeUnknown
            if not _is_worth_another(failure, started) or caller.has_left or attempt == ATTEMPTS:
                break
            _log.debug("%s: attempt %d failed with %s", name, attempt, type(failure).__name__)
            await asyncio.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311
        raise failure


class SingleRun:
    """One run of one statement on one connection of the pool, to be called inside a greenlet."""

    def __init__(self, pool: Pool, sql: str, values: tuple[Any, ...], is_abandoned: Callable[[], bool]) -> None:
        self.was_sent = False
        self._pool = pool
        self._sql = sql
        self._values = values
        self._is_abandoned = is_abandoned

    def __call__(self) -> Rows:
        """Return all rows; none when the caller has abandoned it."""
        pooled = self._pool.connect()
        try:
            # A write whose caller left while it queued is dropped: a storm of them would leave a backlog.
            if self._is_abandoned():
                return ()
            self.was_sent = True
            return self._run_in_autocommit(pooled)
        except Exception as error:
            if _is_unusable(pooled, error):
                pooled.invalidate()
            raise
        finally:
            pooled.close()

    def _run_in_autocommit(self, pooled: PoolProxiedConnection) -> Rows:
        # On a host's engine that is not in autocommit, INSERT ... RETURNING would answer and store nothing.
        connection: Any = pooled.dbapi_connection
        was_autocommit = connection.autocommit
        connection.autocommit = True
        try:
            return run_on_connection(connection, self._sql, self._values)
        finally:
            connection.autocommit = was_autocommit


def run_on_connection(connection: DBAPIConnection, sql: str, values: tuple[Any, ...]) -> Rows:
    """Run compiled SQL through the driver's adapter, inside a greenlet, and return all of its rows."""
    cursor = connection.cursor()
    try:
        cursor.execute(sql, values)
        return cursor.fetchall()
    finally:
        cursor.close()


def _is_unusable(pooled: PoolProxiedConnection, error: Exception) -> bool:
    # The adapter keeps a prepared statement whose plan is stale, and fails with it for ever.
    driver_connection: Any = pooled.driver_connection
    return driver_connection is None or driver_connection.is_closed() or find_sqlstate(error) == _STALE_PLAN


def _is_worth_another(failure: ChatPersistenceError, started: float) -> bool:
    in_time = time.monotonic() - started < RETRY_WINDOW_SECONDS
    return isinstance(failure, StoreUnavailable) and not isinstance(failure, PoolTimeout) and in_time
