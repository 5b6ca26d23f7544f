"""Ids made of what something is called elsewhere: the same of the same, in every process."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from chat_persistence.errors import InvalidInput

MAX_NAME_CHARS = 1_000
_VARIANT = 2 << 62


def conversation_id_of(name: str) -> UUID:
    """Return the id of the conversation that another program calls `name`, 1 to 1,000 characters.

    A UUID, written as Python writes one, is that UUID; any other name gives a UUIDv8 (RFC 9562 §5.8) of its SHA-256.
    By this, what an agent framework knows by the same name is one conversation to all of them. Raise `InvalidInput`
    for what is no such name.
    """
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARS:
        raise InvalidInput("name", f"must be a text of 1 to {MAX_NAME_CHARS:,} characters")
    return _written_uuid(name) or derived_id(None, "conversation", name)


def derived_id(moment: datetime | None, *key: str) -> UUID:
    """Return a UUIDv7 of that moment, its random bits a digest of `key`; without a moment, a UUIDv8 of the digest."""
    # Each part after its length, so that no two keys are written alike.
    written = "".join([f"{len(part)}:{part}" for part in key])
    digest = int.from_bytes(sha256(written.encode(errors="surrogatepass")).digest()[:16])
    milliseconds = -1 if moment is None else int(moment.timestamp() * 1000)
    if not 0 <= milliseconds < 1 << 48:
        return _uuid(digest, 8)
    return _uuid(milliseconds << 80 | digest & (1 << 80) - 1, 7)


def _written_uuid(name: str) -> UUID | None:
    try:
        written = UUID(name)
    except ValueError:
        return None
    return written if str(written) == name else None


def _uuid(bits: int, version: int) -> UUID:
    return UUID(int=bits & ~(0xF << 76 | 3 << 62) | version << 76 | _VARIANT)
