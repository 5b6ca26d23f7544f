"""One user's chats: where every operation begins, since a repository cannot be had without a user."""

from chat_persistence.erasing import erase
from chat_persistence.observed_repositories import Repositories
from chat_persistence.reports import ErasureReceipt


class UserChats(Repositories):
    """What one user has; every call is its own transaction. Cheap to make, and safe to share between tasks."""

    async def erase(self, *, dry_run: bool = False) -> ErasureReceipt:
        """Delete all that is stored of this user, some at a time, and return a receipt: the number of conversations.

        With `dry_run`, count it only. The user's key goes first, then each conversation with its messages and drafts,
        from the newest down: what is written meanwhile may stay. Run it again after an interruption; the receipt is of
        one run, without what a statement deleted whose answer was lost.
        """
        with self._observer.begin("erase", self._user_id) as operation:
            receipt = await erase(self._execution, self._user_id, dry_run=dry_run)
            operation.answered(receipt)
        return receipt
