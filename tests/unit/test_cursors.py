"""A cursor is read as what it was made of, or refused."""

import base64
import hashlib
import struct
from datetime import UTC, datetime
from uuid import UUID

import pytest

from chat_persistence import InvalidInput
from chat_persistence.cursors import (
    activity_cursor,
    position_cursor,
    read_activity_cursor,
    read_position_cursor,
)

SCOPE = ("conversations", "ada", "active")
ID = UUID(int=7)


def forged(microseconds: int) -> str:
    """What anybody can make who has read the code: the digest guards no secret."""
    place = struct.pack(">q16s", microseconds, ID.bytes)
    digest = hashlib.blake2b(place, digest_size=8)
    for part in SCOPE:
        digest.update(struct.pack(">I", len(part)) + part.encode())
    return base64.urlsafe_b64encode(digest.digest() + place).rstrip(b"=").decode()


def test_a_place_is_read_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    assert read_activity_cursor(SCOPE, activity_cursor(SCOPE, moment, ID), "after") == (moment, ID)
    assert read_position_cursor(SCOPE, position_cursor(SCOPE, 2**31 - 1), "before") == 2**31 - 1


def test_a_time_beyond_the_calendar_is_refused() -> None:
    assert read_activity_cursor(SCOPE, forged(0), "after") == (datetime(1970, 1, 1, tzinfo=UTC), ID)

    for microseconds in (2**63 - 1, -(2**63)):
        with pytest.raises(InvalidInput, match=r"^after: not a cursor of this list"):
            read_activity_cursor(SCOPE, forged(microseconds), "after")


@pytest.mark.parametrize("cursor", ["", "=", "ä", "\ud800", "\x00", "x" * 200_000_000, b"x", 5, None])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput, match=r"^after: not a cursor of this list"):
        read_activity_cursor(SCOPE, cursor, "after")


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^before: not a cursor of this list"):
        read_position_cursor(SCOPE, position_cursor(("messages", "ada"), 7), "before")
