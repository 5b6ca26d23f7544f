"""Where the wrapped keys of users are kept."""

from collections.abc import Callable
from typing import Protocol

from chat_persistence.execution import Execution, Rows
from chat_persistence.key_ring import WrappedKey
from chat_persistence.statements import user_keys as statements
from chat_persistence.validation import check_user_id


class UserKeys(Protocol):
    """A place for users' keys, each wrapped by a master key: a database of their own, or a vault.

    What `destroy` destroys must be nowhere else: not in a backup, not in a log. An error that is to be retried is a
    `StoreUnavailable`; every other one reaches the caller as it is.
    """

    async def get(self, user_id: str) -> WrappedKey | None:
        """Return the user's key, if there is one."""

    async def create(self, user_id: str, key: WrappedKey) -> WrappedKey:
        """Keep a key for the user and return it; when there is one already, also by now, leave and return that."""

    async def destroy(self, user_id: str) -> None:
        """Destroy the user's key; when there is none, the work is done."""


class UserKeyTable:
    """The table `user_keys` of one database as such a place."""

    def __init__(self, execution_for: Callable[[str], Execution]) -> None:
        self._execution_for = execution_for

    async def get(self, user_id: str) -> WrappedKey | None:
        """Return the user's key, if there is one."""
        rows = await self._execution(user_id).fetch(statements.get, owner=user_id)
        return _first(rows)

    async def create(self, user_id: str, key: WrappedKey) -> WrappedKey:
        """Keep a key for the user and return it; when there is one already, also by now, leave and return that."""
        rows = await self._execution(user_id).fetch(
            statements.create, owner=user_id, wrapped_by=key.master_key_id, key_wrapped=key.wrapped
        )
        return WrappedKey(*rows[0])

    async def destroy(self, user_id: str) -> None:
        """Destroy the user's key; when there is none, the work is done."""
        await self.remove(user_id, may_be_elsewhere=True)

    async def remove(self, user_id: str, *, may_be_elsewhere: bool) -> WrappedKey | None:
        """Destroy the user's key and return it; one that is kept elsewhere only if it may be."""
        rows = await self._execution(user_id).fetch(statements.remove, owner=user_id, may_be_elsewhere=may_be_elsewhere)
        return _first(rows)

    def _execution(self, user_id: str) -> Execution:
        return self._execution_for(check_user_id(user_id))


def _first(rows: Rows) -> WrappedKey | None:
    return WrappedKey(*rows[0]) if rows else None
