"""The keys that a store holds in memory: of few users, for seconds."""

import time
from collections import OrderedDict

from chat_persistence.encryption import Encryption
from chat_persistence.errors import ConfigurationError, EncryptionKeyMissing
from chat_persistence.execution import Execution
from chat_persistence.key_ring import WrappedKey
from chat_persistence.options import Options
from chat_persistence.sealed_text import Seal
from chat_persistence.statements.user_keys import ELSEWHERE
from chat_persistence.user_keys import UserKeys, UserKeyTable

MAX_USERS = 10_000
"""A key in use is about 700 bytes."""

ATTEMPTS = 5
"""To be given a key that is not destroyed meanwhile."""


class KeyCache:
    """One store's keys. Which of them is in force is asked of the database by the statement that uses one to write.

    So what is held here may be old: a key that was destroyed meanwhile writes nothing, and is asked for anew.
    """

    def __init__(self, encryption: Encryption) -> None:
        self._ring = encryption.key_ring
        self._elsewhere = encryption.user_keys
        self._seconds = encryption.key_seconds
        self.reads_plain = encryption.reads_plain
        self._held: OrderedDict[str, tuple[Seal, float]] = OrderedDict()

    def held(self, user_id: str) -> Seal | None:
        """Return the user's key, if it is in memory."""
        found = self._held.get(user_id)
        if found is None:
            return None
        seal, until = found
        if time.monotonic() < until:
            return seal
        self.forget(user_id)
        return None

    async def find(self, user_id: str, execution: Execution) -> Seal | None:
        """Return the user's key as it is now, if there is one; raise `EncryptionKeyMissing` when no master key fits."""
        key = await self._home(execution).get(user_id)
        if key is None:
            self.forget(user_id)
            return None
        return self._hold(user_id, key)

    async def provide(self, user_id: str, execution: Execution) -> Seal:
        """Return the user's key to write with; it is made when there is none."""
        seal = self.held(user_id)
        if seal is not None:
            return seal
        for _ in range(ATTEMPTS):
            home = self._home(execution)
            key = await home.get(user_id) or await home.create(user_id, self._ring.new(user_id))
            if self._elsewhere is None or await _is_in_force(user_id, key, home, _table(execution)):
                return self._hold(user_id, key)
        raise ConfigurationError("the place of the users' keys gives out keys and keeps none")

    async def destroy(self, user_id: str, execution: Execution) -> int:
        """Destroy the user's key, wherever it is, and return how many there were.

        Nothing is written with it once this has returned.
        """
        self.forget(user_id)
        if self._elsewhere is None:
            destroyed = await _destroy_here(user_id, execution)
        else:
            table = _table(execution)
            destroyed = int(await table.remove(user_id, may_be_elsewhere=True) is not None)
            await self._elsewhere.destroy(user_id)
            # Somebody may have been given it in between, and have put it in force again.
            await table.destroy(user_id)
        self.forget(user_id)
        return destroyed

    def forget(self, user_id: str) -> None:
        """Hold the user's key no longer."""
        self._held.pop(user_id, None)

    def _hold(self, user_id: str, key: WrappedKey) -> Seal:
        seal = Seal(user_id, self._ring.unwrap(user_id, key))
        self._held[user_id] = seal, time.monotonic() + self._seconds
        self._held.move_to_end(user_id)
        if len(self._held) > MAX_USERS:
            self._held.popitem(last=False)
        return seal

    def _home(self, execution: Execution) -> UserKeys:
        return self._elsewhere or _table(execution)


async def destroy_key(user_id: str, execution: Execution, options: Options) -> int:
    """Destroy a user's key, also in a store that does not encrypt, and return how many there were.

    Raise `EncryptionKeyMissing` when it is kept elsewhere, and nobody has said where.
    """
    if options.encryption is None:
        return await _destroy_here(user_id, execution)
    return await options.encryption.destroy(user_id, execution)


async def _destroy_here(user_id: str, execution: Execution) -> int:
    key = await _table(execution).remove(user_id, may_be_elsewhere=False)
    if key is None:
        return 0
    if key.master_key_id == ELSEWHERE:
        raise EncryptionKeyMissing(ELSEWHERE)
    return 1


def _table(execution: Execution) -> UserKeyTable:
    return UserKeyTable(lambda _: execution)


async def _is_in_force(user_id: str, key: WrappedKey, home: UserKeys, table: UserKeyTable) -> bool:
    """Put a key that is kept elsewhere in force, and say whether it is: no other is, and it was not destroyed."""
    known = await table.get(user_id)
    if known is None:
        known = await table.create(user_id, WrappedKey(ELSEWHERE, key.id))
        kept = await home.get(user_id)
        if kept is None or kept.id != key.id:
            await table.destroy(user_id)
            return False
    if known.master_key_id != ELSEWHERE:
        raise ConfigurationError("this user's key is kept beside the messages: move it to where Encryption says, first")
    if known.id != key.id:
        await table.destroy(user_id)
        return False
    return True
