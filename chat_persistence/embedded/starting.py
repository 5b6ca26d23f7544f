"""From no server, or one that is just starting or dying, to one that answers."""

import os
import subprocess
import sys
import time
from pathlib import Path

from chat_persistence.embedded import database, locks, settings
from chat_persistence.embedded.binaries import OTHER_WAYS
from chat_persistence.errors import EmbeddedPostgresError

SUPERVISOR = Path(__file__).with_name("supervisor.py")

SUPERVISOR_TIMEOUT = 30.0
"""It comes back as soon as it holds its lock, so this is for a machine in trouble."""

LOG_TAIL_BYTES = 2_000


def serve(folder: Path, socket_folder: Path, binaries: Path, durable: bool, deadline: float) -> None:
    """Return when a server answers, having launched it if there was none."""
    launched = False
    while True:
        if not locks.is_free(folder / "server.lock"):
            if (is_durable := database.ask(socket_folder, seconds=5.0)) is not None:
                _refuse_less_durable(folder, is_durable, durable)
                return
        elif launched:
            raise _not_started(folder)
        else:
            _launch(folder, binaries, durable)
            launched = True
        if time.monotonic() > deadline:
            raise _not_started(folder)
        time.sleep(locks.POLL_INTERVAL)


def _launch(folder: Path, binaries: Path, durable: bool) -> None:
    _sync_what_was_not(folder / "not-synced", durable)
    descriptor = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as log:
        subprocess.run(  # noqa: S603 (our own file and our own paths)
            [
                *(sys.executable, "-I", "-S", SUPERVISOR),
                *(folder / "server.lock", folder / "owners.lock", folder / "cluster", binaries),
                *("--", *settings.initdb_options(durable=durable)),
                *("--", *settings.postgres_options(durable=durable)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            timeout=SUPERVISOR_TIMEOUT,
            check=False,
        )


def _sync_what_was_not(mark: Path, durable: bool) -> None:
    """Bring to disk what a server without fsync left in memory: a durable one would never write it again."""
    if not durable:
        mark.touch(mode=0o600)
    elif mark.exists():
        os.sync()
        mark.unlink()


def _refuse_less_durable(folder: Path, is_durable: bool, durable: bool) -> None:
    if durable and not is_durable:
        raise EmbeddedPostgresError(f"the server of {folder} was started with durable=False: join it so, or stop it")


def _not_started(folder: Path) -> EmbeddedPostgresError:
    with open(folder / "server.log", "rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
        tail = log.read().decode(errors="replace").strip()
    return EmbeddedPostgresError(f"the embedded PostgreSQL of {folder} did not start. {OTHER_WAYS} Its log:\n{tail}")
