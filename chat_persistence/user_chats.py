"""One user's chats: where every operation begins, since a repository cannot be had without a user."""

from chat_persistence.drafts import DraftRepository
from chat_persistence.observed_repositories import ObservedDrafts, Repositories
from chat_persistence.statements import conversations as statements

ERASED_AT_ONCE = 500


class UserChats(Repositories):
    """What one user has; every call is its own transaction. Cheap to make, and safe to share between tasks."""

    @property
    def drafts(self) -> DraftRepository:
        """What one can do with one's replies in the making: not in a unit of work, for each part is stored alone."""
        if self._observer.is_listening():
            return ObservedDrafts(self._user_id, self._execution, self._options, self._observer)
        return DraftRepository(self._user_id, self._execution, self._options)

    async def erase(self) -> int:
        """Delete all of this user's conversations and messages, some at a time; return how many conversations."""
        with self._observer.begin("erase", self._user_id) as operation:
            erased = await self._erase()
            operation.answered(erased)
        return erased

    async def _erase(self) -> int:
        erased = 0
        while True:
            rows = await self._execution.fetch(statements.erase, owner=self._user_id, how_many=ERASED_AT_ONCE)
            count: int = rows[0][0]
            erased += count
            if count < ERASED_AT_ONCE:
                return erased
