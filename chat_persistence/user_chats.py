"""One user's chats: where every operation begins, since a repository cannot be had without a user."""

from typing import Any

from chat_persistence.compilation import Statement
from chat_persistence.drafts import DraftRepository
from chat_persistence.execution import Rows
from chat_persistence.key_cache import destroy_key
from chat_persistence.observed_repositories import ObservedDrafts, Repositories
from chat_persistence.statements import conversations as statements
from chat_persistence.statements import usage as usage_statements
from chat_persistence.usage import Usage

ERASED_AT_ONCE = 500
COUNTED_AT_ONCE = 500


class UserChats(Repositories):
    """What one user has; every call is its own transaction. Cheap to make, and safe to share between tasks."""

    @property
    def drafts(self) -> DraftRepository:
        """What one can do with one's replies in the making: not in a unit of work, for each part is stored alone."""
        if self._observer.is_listening():
            return ObservedDrafts(self._user_id, self._execution, self._options, self._observer)
        return DraftRepository(self._user_id, self._execution, self._options)

    async def erase(self) -> int:
        """Delete all of this user's conversations and messages, some at a time; return how many conversations.

        The user's key is destroyed before, so that encrypted messages cannot be read wherever they are left.
        """
        with self._observer.begin("erase", self._user_id) as operation:
            erased = await self._erase()
            operation.answered(erased)
        return erased

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

    async def _erase(self) -> int:
        # The key first: from then on nothing is written that could not be read, and what is left cannot be read.
        await destroy_key(self._user_id, self._execution, self._options)
        erased = 0
        while True:
            rows = await self._execution.fetch(statements.erase, owner=self._user_id, how_many=ERASED_AT_ONCE)
            count: int = rows[0][0]
            erased += count
            if count < ERASED_AT_ONCE:
                return erased
