"""Several operations in one transaction: the second door, with the same repositories behind it."""

from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from chat_persistence.observed_repositories import Repositories
from chat_persistence.observer import Observer
from chat_persistence.operations import UNIT_OF_WORK
from chat_persistence.options import Options
from chat_persistence.transactions import Transaction, TransactionExecution


class UnitOfWork(Repositories):
    """One transaction of one user, in one `async with` block, once.

    Commits when the block ends cleanly and rolls back on any exception; in a session that was given, both are
    the host's. It holds the row lock of every conversation that it appends to until it ends, so never keep
    one open across a call of a model. Used outside its block, it raises `UnitOfWorkClosed`.
    """

    def __init__(
        self,
        user_id: str,
        transaction: Transaction,
        execution: TransactionExecution,
        options: Options,
        observer: Observer,
    ) -> None:
        super().__init__(user_id, execution, options, observer)
        self._transaction = transaction
        self._prepare = execution.prepare

    @property
    def session(self) -> AsyncSession:
        """The SQLAlchemy session of this transaction, for the host's own rows; nothing on it is shielded."""
        return self._transaction.session

    async def __aenter__(self) -> Self:
        observation = self._observer.begin(UNIT_OF_WORK, self._user_id)
        try:
            await self._begin()
        except BaseException as error:
            observation.end(error)
            raise
        self._observation = observation
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._end(exc)
        except BaseException as error:
            self._observation.end(error)
            raise
        self._observation.end(exc)

    async def _begin(self) -> None:
        await self._transaction.begin()
        try:
            await self._prepare()
        except BaseException as error:
            await self._transaction.roll_back(wait=isinstance(error, Exception))
            raise

    async def _end(self, exc: BaseException | None) -> None:
        if exc is None:
            await self._transaction.commit()
        else:
            await self._transaction.roll_back(wait=isinstance(exc, Exception))
