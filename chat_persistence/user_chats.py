"""One user's chats: where every operation begins, since a repository cannot be had without a user."""

from collections.abc import Callable
from typing import Any

from chat_persistence.compilation import Statement
from chat_persistence.drafts import DraftRepository
from chat_persistence.erasing import erase
from chat_persistence.execution import Execution, Rows
from chat_persistence.observed_repositories import ObservedDrafts, Repositories
from chat_persistence.observer import Observer
from chat_persistence.options import Options
from chat_persistence.reports import ErasureReceipt
from chat_persistence.statements import usage as usage_statements
from chat_persistence.unit_of_work import UnitOfWork
from chat_persistence.usage import Usage

COUNTED_AT_ONCE = 500


class UserChats(Repositories):
    """What one user has; every call is its own transaction. Cheap to make, and safe to share between tasks."""

    def __init__(
        self,
        user_id: str,
        execution: Execution,
        options: Options,
        observer: Observer,
        unit_of_work: Callable[[str], UnitOfWork],
    ) -> None:
        super().__init__(user_id, execution, options, observer)
        self._make_unit_of_work = unit_of_work

    @property
    def user_id(self) -> str:
        """Whose chats these are."""
        return self._user_id

    def unit_of_work(self) -> UnitOfWork:
        """Return a unit of work for this user in its own transaction, as `ChatStore.unit_of_work` does."""
        return self._make_unit_of_work(self._user_id)

    @property
    def drafts(self) -> DraftRepository:
        """What one can do with one's replies in the making: not in a unit of work, for each part is stored alone."""
        if self._observer.is_listening():
            return ObservedDrafts(self._user_id, self._execution, self._options, self._observer)
        return DraftRepository(self._user_id, self._execution, self._options)

    async def erase(self, *, dry_run: bool = False) -> ErasureReceipt:
        """Delete all that is stored of this user, some at a time, and return a receipt: the number of conversations.

        With `dry_run`, count it only. The user's key is destroyed first, so that encrypted messages cannot be read
        wherever they are left; then each conversation goes with its messages and drafts, from the newest down: what is
        written meanwhile may stay. Run it again after an interruption; the receipt is of one run, without what a
        statement deleted whose answer was lost.
        """
        with self._observer.begin("erase", self._user_id) as operation:
            receipt = await erase(self._execution, self._options, self._user_id, dry_run=dry_run)
            operation.answered(receipt)
        return receipt

    async def usage(self) -> Usage:
        """Return how many messages this user has, and of how many tokens, archived conversations included.

        It is counted some conversations at a time: what changes meanwhile may be in it or not.
        """
        with self._observer.begin("usage", self._user_id):
            return await self._usage()

    async def _usage(self) -> Usage:
        total = Usage()
        rows = await self._count(usage_statements.of_some)
        while rows:
            total = sum((Usage(*row[1:]) for row in rows), total)
            rows = await self._count(usage_statements.of_some_after, chat=rows[-1][0])
        return total

    async def _count(self, statement: Statement, **place: Any) -> Rows:
        return await self._execution.fetch(statement, owner=self._user_id, how_many=COUNTED_AT_ONCE, **place)
