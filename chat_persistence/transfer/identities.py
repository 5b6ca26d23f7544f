"""The ids of what comes from elsewhere: the same from the same, wherever and however often it is read."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

_VARIANT = 2 << 62


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids of one conversation and of its messages."""

    conversation_id: UUID

    @classmethod
    def of(cls, moment: datetime | None, *key: str) -> Self:
        """Return those of the conversation that `key` names: the format, the owner, and the id it had there."""
        return cls(derived_id(moment, *key))

    def message_id(self, key: str | int, moment: datetime | None = None) -> UUID:
        """Return that of the message of that id, or of that place, in the conversation."""
        return derived_id(moment, str(self.conversation_id), str(key))


def derived_id(moment: datetime | None, *key: str) -> UUID:
    """Return a UUIDv7 of that moment, its random bits a digest of `key`; without a moment, a UUIDv8 of the digest."""
    # Each part after its length, so that no two keys are written alike.
    written = "".join([f"{len(part)}:{part}" for part in key])
    digest = int.from_bytes(sha256(written.encode(errors="surrogatepass")).digest()[:16])
    milliseconds = -1 if moment is None else int(moment.timestamp() * 1000)
    if not 0 <= milliseconds < 1 << 48:
        return _uuid(digest, 8)
    return _uuid(milliseconds << 80 | digest & (1 << 80) - 1, 7)


def digest_of(value: Any) -> str:
    """Return what tells a JSON value from all others, whatever the order of its keys and its spaces."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _uuid(bits: int, version: int) -> UUID:
    return UUID(int=bits & ~(0xF << 76 | 3 << 62) | version << 76 | _VARIANT)
