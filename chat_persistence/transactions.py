"""A transaction of several statements: who runs its steps, who ends it, and how a broken one is noticed."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from chat_persistence.closing import close_or_terminate
from chat_persistence.compilation import Compilation, CompiledStatement, Statement
from chat_persistence.connection_watch import ConnectionWatch
from chat_persistence.errors import (
    ChatPersistenceError,
    StoreClosed,
    StoreUnavailable,
    UnitOfWorkClosed,
    UnitOfWorkFailed,
)
from chat_persistence.execution import Rows
from chat_persistence.leases import Leases
from chat_persistence.models import Conversation
from chat_persistence.owned_tasks import Caller, OwnedTasks
from chat_persistence.translation import is_outcome_known, is_read_only, outcome_unknown, translate

Answer = TypeVar("Answer")


class Transaction(ABC):
    """One transaction on one session, open once."""

    def __init__(self, session: AsyncSession, schema: str | None) -> None:
        self._session = session
        self._schema = schema
        self._has_begun = False
        self._is_open = False

    @property
    def session(self) -> AsyncSession:
        """The session while the transaction is open; else raises `UnitOfWorkClosed`."""
        if not self._is_open:
            raise UnitOfWorkClosed
        return self._session

    async def begin(self) -> None:
        """Open the transaction; BEGIN itself goes with its first statement."""
        if self._has_begun:
            raise UnitOfWorkClosed
        self._has_begun = True
        await self._wait_for_connection()
        self._is_open = True

    @abstractmethod
    async def _wait_for_connection(self) -> None:
        """Wait until the transaction can have one."""

    @abstractmethod
    async def run(self, work: Callable[[Session], Answer]) -> Answer:
        """Run `work` in the transaction, or raise one of our errors."""

    @abstractmethod
    async def commit(self) -> None:
        """End the transaction well, or raise."""

    @abstractmethod
    async def roll_back(self, *, wait: bool) -> None:
        """End the transaction without its work; never raises."""


class OwnTransaction(Transaction):
    """A transaction that the store began: each step is a task that the store owns, one at a time."""

    def __init__(
        self, engine: AsyncEngine, schema: str | None, tasks: OwnedTasks, leases: Leases, *, tells_commit_tag: bool
    ) -> None:
        super().__init__(AsyncSession(engine, expire_on_commit=False), schema)
        self._tasks = tasks
        self._leases = leases
        self._tells_commit_tag = tells_commit_tag
        self._step = asyncio.Lock()
        self._is_lost = False
        self._watch = ConnectionWatch(self._session.sync_session)

    async def _wait_for_connection(self) -> None:
        await self._leases.reserve()

    async def run(self, work: Callable[[Session], Answer]) -> Answer:
        """Run `work` as a step; a caller who is cancelled leaves at once, and the step settles."""
        session = self.session

        async def step(_: Caller) -> Answer:
            async with self._step:
                return await self._run(session, work)

        try:
            return await self._tasks.run(step)
        except StoreUnavailable as failure:
            if is_read_only(failure):
                self._leases.make_all_anew()
            raise

    async def commit(self) -> None:
        """Commit and close. Once begun it settles; when its answer is lost, that is `OutcomeUnknown`."""
        self._is_open = False
        try:
            await self._tasks.run(self._commit_and_close)
        except StoreClosed:
            await self.roll_back(wait=True)
            raise

    async def roll_back(self, *, wait: bool) -> None:
        """Roll back and close in an owned task, after the step in flight; a cancelled caller does not wait."""
        self._is_open = False
        closing = self._tasks.start(self._close())
        if wait:
            await asyncio.shield(closing)

    async def _run(self, session: AsyncSession, work: Callable[[Session], Answer]) -> Answer:
        if self._cannot_be_whole():
            raise UnitOfWorkFailed
        try:
            return await session.run_sync(work)
        except Exception as error:
            failure = translate(error, self._schema)
        # The session may have been without a connection yet, and would begin and commit what comes after.
        self._is_lost = not is_outcome_known(failure)
        raise failure

    def _cannot_be_whole(self) -> bool:
        return self._is_lost or self._watch.has_missed_one()

    async def _commit_and_close(self, _: Caller) -> None:
        async with self._step:
            failure: ChatPersistenceError | None = UnitOfWorkFailed() if self._cannot_be_whole() else None
            # What the flush meets is definite; only a COMMIT can be lost on its way back.
            failure = failure or await _failure_of(self._session.flush()) or await self._commit()
        await self._close()
        if failure is not None:
            raise failure

    async def _commit(self) -> ChatPersistenceError | None:
        failure = None
        if not self._tells_commit_tag:
            failure = await _failure_of(self._session.run_sync(_commit_by_driver))
        failure = failure or await _failure_of(self._session.commit())
        if failure is None or is_outcome_known(failure):
            return failure
        return outcome_unknown(failure)

    async def _close(self) -> None:
        async with self._step:
            # A `close` whose ROLLBACK fails would not return the connection to the pool.
            await _failure_of(self._session.rollback())
            await _failure_of(self._session.close())
        self._leases.release()


class JoinedTransaction(Transaction):
    """A transaction of the host, in the host's own task: it owns the commit, and we only refuse a broken one."""

    def __init__(self, session: AsyncSession, schema: str | None) -> None:
        super().__init__(session, schema)
        self._has_failed = False

    async def _wait_for_connection(self) -> None:
        """The host's session has its own."""

    async def run(self, work: Callable[[Session], Answer]) -> Answer:
        """Run `work` in the caller's own task."""
        try:
            return await self.session.run_sync(work)
        except Exception as error:
            failure = translate(error, self._schema)
        self._break()
        raise failure

    async def commit(self) -> None:
        """Leave the commit to the host."""
        self._is_open = False

    async def roll_back(self, *, wait: bool) -> None:
        """Leave the rollback to the host."""
        self._is_open = False

    def _break(self) -> None:
        # The host's COMMIT cannot be watched, so a commit without a rollback in between is refused.
        if not self._has_failed:
            event.listen(self._session.sync_session, "before_commit", self._refuse_commit)
            event.listen(self._session.sync_session, "after_soft_rollback", self._forgive)
        self._has_failed = True

    def _refuse_commit(self, session: Session) -> None:
        if self._has_failed:
            raise UnitOfWorkFailed

    def _forgive(self, session: Session, previous_transaction: object) -> None:
        self._has_failed = False


class TransactionExecution:
    """Runs statements inside a transaction: never again, since one that failed has ended it."""

    is_alone = False

    def __init__(
        self, transaction: Transaction, compilation: Compilation, prepare: Callable[[Session], None] | None = None
    ) -> None:
        self._transaction = transaction
        self._compilation = compilation
        self._prepare = prepare

    async def prepare(self) -> None:
        """Do what has to be done before each statement, for those that are the host's own."""
        if self._prepare is not None:
            await self._transaction.run(self._prepare)

    async def fetch(self, statement: Statement, *, repeatable: bool = True, **arguments: Any) -> Rows:
        """Run a statement in the transaction."""
        compiled = self._compilation[statement]
        values = compiled.arguments(arguments)

        def run(session: Session) -> Rows:
            if self._prepare is not None:
                self._prepare(session)
            return run_in_session(session, compiled, values)

        return await self._transaction.run(run)

    async def settle(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do some work in the transaction, which ends when the caller is cancelled."""
        return await work()


def connection_of(session: Session) -> Connection:
    """Return the connection on which the session runs statements on our tables."""
    return session.connection(bind_arguments={"mapper": Conversation})


def run_in_session(session: Session, compiled: CompiledStatement, values: tuple[Any, ...]) -> Rows:
    """Run a statement in the session's transaction, and return all of its rows."""
    connection = connection_of(session)
    pooled: Any = connection.connection
    try:
        cursor = pooled.dbapi_connection.cursor()
        cursor.execute(compiled.sql, values)
        rows: Rows = cursor.fetchall()
        cursor.close()
        return rows
    except Exception as error:
        drop_if_lost(connection, error)
        raise


def drop_if_lost(connection: Connection, error: Exception) -> None:
    """Take a connection out of its pool when a failure on it shows that it is of no use any more."""
    driver: Any = connection.connection.driver_connection
    if driver is not None and isinstance(error, TimeoutError):
        await_only(close_or_terminate(driver))
    if driver is None or driver.is_closed():
        connection.invalidate()  # with the error, the pool would log what the server said


def _commit_by_driver(session: Session) -> None:
    # PostgreSQL answers ROLLBACK to the COMMIT of a failed transaction, and neither asyncpg nor SQLAlchemy
    # tells. Our own connections do; on a host's, this costs one more round trip.
    if session.in_transaction():
        pooled: Any = session.connection().connection
        if await_only(pooled.driver_connection.execute("COMMIT")) == "ROLLBACK":
            raise UnitOfWorkFailed


async def _failure_of(work: Awaitable[object]) -> ChatPersistenceError | None:
    try:
        await work
    except Exception as error:
        return translate(error)
    return None
