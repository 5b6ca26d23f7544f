"""The folders of an embedded server: the one it owns, and the one whose path a socket address can hold."""

import os
import re
import stat
import sys
from hashlib import sha256
from pathlib import Path

from chat_persistence.embedded.binaries import MAJOR_VERSION
from chat_persistence.errors import EmbeddedPostgresError

SOCKET = ".s.PGSQL.5432"

LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107

PLAIN_PATH = re.compile(r"[A-Za-z0-9 /._-]+")
"""What every reader of a URL takes for one host: asyncpg and libpq part hosts at a comma."""


def default_data_directory() -> Path:
    """Return `$CHAT_PERSISTENCE_HOME`, else where this platform keeps a user's data."""
    if home := os.environ.get("CHAT_PERSISTENCE_HOME"):
        return Path(home)
    if sys.platform == "darwin":
        return _home() / "Library" / "Application Support" / "chat_persistence"
    data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    if not data_home.is_absolute():  # the specification says to ignore such a one
        data_home = _home() / ".local" / "share"
    return data_home / "chat_persistence"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise EmbeddedPostgresError("this user has no home: set CHAT_PERSISTENCE_HOME to a folder") from None


def prepare_data_directory(folder: Path) -> Path:
    """Return the folder resolved, made if missing. What is there already keeps its mode."""
    folder = folder.absolute()
    for missing in reversed([place for place in (folder, *folder.parents) if not place.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat().st_uid
    if owner not in (os.geteuid(), 0):
        raise EmbeddedPostgresError(f"{folder} belongs to user {owner}, and an embedded server to one user only")
    _refuse_other_versions(folder / "cluster" / "PG_VERSION")
    return folder.resolve()


def _refuse_other_versions(version_file: Path) -> None:
    if version_file.exists() and (version := version_file.read_text().strip()) != str(MAJOR_VERSION):
        raise EmbeddedPostgresError(
            f"{version_file.parent} was made by PostgreSQL {version}, and the installed binaries are "
            f"PostgreSQL {MAJOR_VERSION}: dump it with {version} and restore it into an empty data directory"
        )


def reachable_socket_folder(cluster: Path) -> Path:
    """Return a folder through which clients reach the socket in `cluster`, whatever the length of its path.

    The server binds a relative path, for which there is no limit; a client names it in full.
    """
    socket = cluster / SOCKET
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(str(cluster)):
        return cluster
    digest = sha256(os.fsencode(cluster)).hexdigest()[:16]
    # Not $TMPDIR: two processes that share the server must come to the same folder.
    folder = Path("/tmp", f"cp-{os.geteuid()}-{digest}")  # noqa: S108 (its owner is verified)
    folder.mkdir(mode=0o700, exist_ok=True)
    _refuse_foreign(folder)
    _point(folder / SOCKET, socket)
    return folder


def _refuse_foreign(folder: Path) -> None:
    """Refuse what somebody else put into the place that anybody can write to."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise EmbeddedPostgresError(f"{folder} is not a private folder of this user: remove it")


def _point(link: Path, target: Path) -> None:
    if not (link.is_symlink() and link.readlink() == target):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
