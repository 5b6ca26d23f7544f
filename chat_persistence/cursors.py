"""A place in an order, as an opaque string.

A cursor carries a digest of itself and of the list that it was made for, so that one that was altered, or
made for another user, conversation or list, is refused and never read as another place. It guards no
secret: every statement is scoped by its owner whatever a cursor says.
"""

import base64
import hashlib
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chat_persistence.errors import InvalidInput

_NO_CURSOR = "not a cursor of this list"
_DIGEST_SIZE = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ACTIVITY = struct.Struct(">q16s")
_POSITION = struct.Struct(">i")
_ID_BYTES = 16
_MAX_CHARS = 64
"""Longer than any cursor; nothing longer is decoded."""


def activity_cursor(scope: Sequence[str], updated_at: datetime, id: UUID) -> str:
    """Return the place of a conversation among its user's conversations, newest activity first."""
    return _seal(scope, _ACTIVITY.pack((updated_at - _EPOCH) // _MICROSECOND, id.bytes))


def read_activity_cursor(scope: Sequence[str], cursor: str, field: str) -> tuple[datetime, UUID]:
    """Return what `activity_cursor` was given, or raise `InvalidInput`."""
    microseconds, id_bytes = _ACTIVITY.unpack(_open(scope, cursor, _ACTIVITY.size, field))
    try:
        return _EPOCH + microseconds * _MICROSECOND, UUID(bytes=id_bytes)
    except OverflowError:  # a time that was never written, under a digest that anybody can compute
        raise _refusal(field) from None


def position_cursor(scope: Sequence[str], position: int) -> str:
    """Return the place of a message in its conversation."""
    return _seal(scope, _POSITION.pack(position))


def read_position_cursor(scope: Sequence[str], cursor: str, field: str) -> int:
    """Return what `position_cursor` was given, or raise `InvalidInput`."""
    position: int = _POSITION.unpack(_open(scope, cursor, _POSITION.size, field))[0]
    return position


def id_cursor(scope: Sequence[str], id: UUID) -> str:
    """Return the place of what is listed by its id."""
    return _seal(scope, id.bytes)


def read_id_cursor(scope: Sequence[str], cursor: str, field: str) -> UUID:
    """Return what `id_cursor` was given, or raise `InvalidInput`."""
    return UUID(bytes=_open(scope, cursor, _ID_BYTES, field))


def _seal(scope: Sequence[str], place: bytes) -> str:
    return base64.urlsafe_b64encode(_digest(scope, place) + place).rstrip(b"=").decode()


def _open(scope: Sequence[str], cursor: str, size: int, field: str) -> bytes:
    if not isinstance(cursor, str) or len(cursor) > _MAX_CHARS:
        raise _refusal(field)
    try:
        place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[_DIGEST_SIZE:]
    except (ValueError, TypeError):
        raise _refusal(field) from None
    # Sealed again it must be the same: that is its digest, and no second way of writing it.
    if len(place) != size or _seal(scope, place) != cursor:
        raise _refusal(field)
    return place


def _refusal(field: str) -> InvalidInput:
    return InvalidInput(field, "not a cursor of this list")


def _digest(scope: Sequence[str], place: bytes) -> bytes:
    digest = hashlib.blake2b(place, digest_size=_DIGEST_SIZE)
    for part in scope:
        encoded = part.encode()
        digest.update(struct.pack(">I", len(encoded)) + encoded)
    return digest.digest()
