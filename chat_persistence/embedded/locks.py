"""Locks that the kernel takes back from whoever dies: `flock` on small files.

Such a lock belongs to the open file, not to the process. Every owner opens its own, so several in one
process are several; a forked child has a copy of all of them, and a lock is free only when the last copy is
closed, or when one of them unlocks it.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chat_persistence.errors import EmbeddedPostgresError

if sys.platform != "win32":
    import fcntl

POLL_INTERVAL = 0.01


def open_lock(path: Path) -> int:
    """Open the file, which is made if missing. Programs that this process starts do not inherit it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def take_shared(path: Path, deadline: float) -> int:
    """Return a descriptor that holds a share of the lock until it is closed."""
    return _take(path, fcntl.LOCK_SH, deadline)


@contextmanager
def exclusively(path: Path, deadline: float) -> Iterator[None]:
    """Hold the lock alone. It ends with the block even if a forked child still has a copy."""
    descriptor = _take(path, fcntl.LOCK_EX, deadline)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Tell whether nobody holds the lock."""
    descriptor = open_lock(path)
    try:
        free = _try(descriptor, fcntl.LOCK_EX)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return free
    finally:
        os.close(descriptor)


def _take(path: Path, operation: int, deadline: float) -> int:
    descriptor = open_lock(path)
    try:
        while not _try(descriptor, operation):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"gave up waiting for {path}, which another process holds")
            time.sleep(POLL_INTERVAL)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _try(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
