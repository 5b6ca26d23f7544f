"""One user's chats: where every operation begins, since a repository cannot be had without a user."""

from chat_persistence.key_cache import destroy_key
from chat_persistence.observed_repositories import Repositories
from chat_persistence.statements import conversations as statements

ERASED_AT_ONCE = 500


class UserChats(Repositories):
    """What one user has; every call is its own transaction. Cheap to make, and safe to share between tasks."""

    async def erase(self) -> int:
        """Delete all of this user's conversations and messages, some at a time; return how many conversations.

        The user's key is destroyed before, so that encrypted messages cannot be read wherever they are left.
        """
        with self._observer.begin("erase", self._user_id) as operation:
            erased = await self._erase()
            operation.answered(erased)
        return erased

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
