"""Wrapping all users' keys anew with the current master key, page by page, while everybody goes on."""

from collections.abc import Callable
from dataclasses import dataclass

from chat_persistence.execution import Execution
from chat_persistence.key_ring import KeyRing, WrappedKey, as_text
from chat_persistence.statements import across_user_keys
from chat_persistence.statements.user_keys import ELSEWHERE

KEYS_AT_ONCE = 1000

Key = tuple[str, WrappedKey]


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """What a rotation has come to: how many keys it saw, and how many of them another master key had wrapped.

    Of those, `rewrapped` were wrapped by the current one. The rest were changed by somebody else meanwhile.
    """

    seen: int = 0
    outdated: int = 0
    rewrapped: int = 0


Told = Callable[[KeyRotation], None]


class Rotation:
    """One walk over the keys of one database."""

    def __init__(self, execution: Execution, key_ring: KeyRing, *, dry_run: bool, on_progress: Told | None) -> None:
        self._execution = execution
        self._ring = key_ring
        self._dry_run = dry_run
        self._on_progress = on_progress
        self._progress = KeyRotation()

    async def run(self) -> KeyRotation:
        """Walk over all of them, and return what it came to."""
        last = ""
        while True:
            rows = await self._execution.fetch(across_user_keys.page, owner_after=last, how_many=KEYS_AT_ONCE)
            await self._rotate([(row[0], WrappedKey(row[1], row[2])) for row in rows])
            if len(rows) < KEYS_AT_ONCE:
                return self._progress
            last = rows[-1][0]

    async def _rotate(self, keys: list[Key]) -> None:
        outdated = [key for key in keys if key[1].master_key_id not in (self._ring.current, ELSEWHERE)]
        rewrapped = await self._wrap_anew(outdated) if outdated and not self._dry_run else 0
        before = self._progress
        self._progress = KeyRotation(
            before.seen + len(keys), before.outdated + len(outdated), before.rewrapped + rewrapped
        )
        if self._on_progress is not None and keys:
            self._on_progress(self._progress)

    async def _wrap_anew(self, keys: list[Key]) -> int:
        anew = [self._ring.wrap_anew(user_id, key) for user_id, key in keys]
        rows = await self._execution.fetch(
            across_user_keys.wrap_anew,
            owner_array=[user_id for user_id, _ in keys],
            key_seen_array=[as_text(key.wrapped) for _, key in keys],
            key_wrapped_array=[as_text(key.wrapped) for key in anew],
            wrapped_by=self._ring.current,
        )
        return len(rows)
