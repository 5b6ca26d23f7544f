"""A share in an embedded server: how one gets it, and how one gives it up."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from chat_persistence.embedded import locks
from chat_persistence.embedded.binaries import OTHER_WAYS, locate_binaries
from chat_persistence.embedded.database import DATABASE
from chat_persistence.embedded.directories import (
    default_data_directory,
    prepare_data_directory,
    reachable_socket_folder,
)
from chat_persistence.embedded.starting import serve
from chat_persistence.errors import EmbeddedPostgresError

START_TIMEOUT = 60.0


class EmbeddedServer:
    """One owner's share in a running server, which lives as long as any share. Made by `start()`.

    Programs that the owner starts do not hold the share; a child made by `os.fork()` alone, as
    `multiprocessing` may, holds it too, until it ends or closes its copy.
    """

    def __init__(self, url: str, data_directory: Path, share: int) -> None:
        self.url = url
        self.data_directory = data_directory
        self._share: int | None = share

    @classmethod
    def start(cls, data_directory: Path | None = None, *, durable: bool = True) -> Self:
        """Start the server of this data directory, or join it; blocks until it answers, at most a minute.

        `durable=False` is for tests: what a power failure leaves may not be readable. Raises
        `EmbeddedPostgresError`, also when durability is asked of a server that runs without.
        """
        if sys.platform == "win32":
            raise EmbeddedPostgresError(f"there is no embedded PostgreSQL on Windows. {OTHER_WAYS}")
        try:
            return cls._start(data_directory or default_data_directory(), durable)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EmbeddedPostgresError(
                f"the data directory of the embedded PostgreSQL cannot be used: {error}. "
                f"Set CHAT_PERSISTENCE_HOME to a folder that this user can write to. {OTHER_WAYS}"
            ) from error

    @classmethod
    def _start(cls, data_directory: Path, durable: bool) -> Self:
        binaries = locate_binaries()
        folder = prepare_data_directory(data_directory)
        deadline = time.monotonic() + START_TIMEOUT
        with locks.exclusively(folder / "start.lock", deadline):
            # Not to be had while a server stops, until that is gone.
            share = locks.take_shared(folder / "owners.lock", deadline)
            try:
                socket_folder = reachable_socket_folder(folder / "cluster")
                serve(folder, socket_folder, binaries, durable, deadline)
            except BaseException:
                os.close(share)
                raise
        url = f"postgresql://postgres@/{DATABASE}?host={quote(str(socket_folder))}&port=5432"
        return cls(url, folder, share)

    def close(self) -> None:
        """Give up this share; the server stops when it was the last. May be called again."""
        share, self._share = self._share, None
        if share is not None:
            # Closed, not unlocked: a forked child that still uses its copy keeps the share.
            os.close(share)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def start(data_directory: Path | None = None, *, durable: bool = True) -> EmbeddedServer:
    """Start or join the embedded server: see `EmbeddedServer.start`."""
    return EmbeddedServer.start(data_directory, durable=durable)
