"""Ids that the client makes: UUIDv7, so that they sort by time and indexes grow at their right edge."""

import secrets
import sys
import time
from uuid import UUID

if sys.version_info >= (3, 14):
    from uuid import uuid7 as uuid7
else:

    def uuid7() -> UUID:
        """Return a version 7 UUID: 48 bits of Unix milliseconds, then 74 random ones (RFC 9562 §5.7)."""
        milliseconds = time.time_ns() // 1_000_000
        random = secrets.randbits(74)
        value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | (random >> 62) << 64
        return UUID(int=value | 2 << 62 | random & (1 << 62) - 1)
