"""How one statement is run: alone or inside a transaction, cancelled or not, tried again or not.

A single operation asks the driver itself, below SQLAlchemy's `Connection`: nothing is cheaper, and its connection
is in no transaction, also on a host's engine that is not in autocommit, where an INSERT … RETURNING would answer and
store nothing. No event, echo or instrumentor sees that path, so it logs on its own: names and durations, never
values.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from chat_persistence.compilation import Compilation, CompiledStatement, Statement
from chat_persistence.errors import ChatPersistenceError, StoreUnavailable
from chat_persistence.leases import Leases
from chat_persistence.operations import count_retry
from chat_persistence.owned_tasks import Caller, OwnedTasks
from chat_persistence.translation import (
    has_hit_a_limit,
    is_outcome_known,
    is_read_only,
    outcome_unknown,
    translate,
)

Rows = Sequence[Sequence[Any]]
Answer = TypeVar("Answer")

ATTEMPTS = 3
RETRY_WINDOW_SECONDS = 5.0
"""After a failure that took longer, the caller decides."""

_log = logging.getLogger(__name__)


class Execution(Protocol):
    """What a repository needs to run its statements."""

    @property
    def is_alone(self) -> bool:
        """Whether each statement is its own transaction, so that one that lost a race may be run again."""

    async def fetch(
        self,
        statement: Statement,
        *,
        repeatable: bool = True,
        after: "asyncio.Task[None] | None" = None,
        **arguments: Any,
    ) -> Rows:
        """Run a statement, once a task is done, and return all of its rows, or raise one of our errors."""

    async def settle(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do some work of several statements, as one that settles like a statement."""


class AloneExecution:
    """Runs each statement as its own transaction, in a task that the store owns."""

    is_alone = True

    def __init__(self, leases: Leases, compilation: Compilation, tasks: OwnedTasks) -> None:
        self._leases = leases
        self._compilation = compilation
        self._tasks = tasks

    async def fetch(
        self,
        statement: Statement,
        *,
        repeatable: bool = True,
        after: "asyncio.Task[None] | None" = None,
        **arguments: Any,
    ) -> Rows:
        """Run a statement; try again what surely did not happen, or may happen twice (`repeatable`)."""
        run = SingleRun(self._leases, self._compilation[statement], arguments, repeatable=repeatable)
        return await self._tasks.run(run.try_and_try_again if after is None else run.once_done(after))

    async def settle(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do some work in a task that the store owns: a caller who is cancelled meanwhile leaves at once."""
        return await self._tasks.run(lambda _: work())


class SingleRun:
    """One statement on its way, through one attempt or a few."""

    def __init__(
        self, leases: Leases, compiled: CompiledStatement, arguments: Mapping[str, Any], *, repeatable: bool
    ) -> None:
        self._leases = leases
        self._compiled = compiled
        self._values = compiled.arguments(arguments)
        self._repeatable = repeatable
        self._was_sent = False
        self._started = time.monotonic()

    async def try_and_try_again(self, caller: Caller) -> Rows:
        """Return all rows; none when the caller has abandoned it."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                rows = await self._try(caller)
            except Exception as error:
                failure = translate(error, self._compiled.schema)
            else:
                _log.debug("%s: %d rows, %.1f ms", self._compiled.name, len(rows), self._seconds() * 1000)
                return rows
            if self._was_sent and not self._repeatable and not is_outcome_known(failure):
                raise outcome_unknown(failure)
            if is_read_only(failure):
                self._leases.make_all_anew()
            if not self._is_worth_another(failure) or caller.has_left or attempt == ATTEMPTS:
                break
            _log.debug("%s: attempt %d failed: %s", self._compiled.name, attempt, failure)
            count_retry()
            await asyncio.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311
        raise failure

    def once_done(self, task: "asyncio.Task[None]") -> Callable[[Caller], Awaitable[Rows]]:
        """Return what first waits for a task, and then does it, also when its caller has left meanwhile."""

        async def wait_and_try(caller: Caller) -> Rows:
            await asyncio.wait((task,))
            self._started = time.monotonic()
            return await self.try_and_try_again(caller)

        return wait_and_try

    async def _try(self, caller: Caller) -> Rows:
        lease = await self._leases.take()
        try:
            # What is abandoned before it is sent is dropped: a storm of cancellations would leave a backlog.
            if caller.has_abandoned():
                return ()
            self._was_sent = True
            return await self._ask(lease.driver)
        except TimeoutError:
            await self._leases.discard(lease)
            raise
        finally:
            await self._leases.give_back(lease)

    def _ask(self, driver: Any) -> Awaitable[Rows]:
        rows: Awaitable[Rows] = driver.fetch(self._compiled.sql, *self._values)
        return rows

    def _is_worth_another(self, failure: ChatPersistenceError) -> bool:
        in_time = self._seconds() < RETRY_WINDOW_SECONDS
        # A black hole must not cost three time limits.
        return isinstance(failure, StoreUnavailable) and in_time and not has_hit_a_limit(failure)

    def _seconds(self) -> float:
        return time.monotonic() - self._started
