"""The database that a command works on: the one of a URL, or the embedded one for as long as it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chat_persistence.store import EMBEDDED


@dataclass(frozen=True, slots=True)
class Database:
    """Where to connect; an embedded server also has a folder."""

    url: str = field(repr=False)
    data_directory: Path | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether it is the library's own server."""
        return self.data_directory is not None


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    """Yield the database, having started or joined the embedded server if it is asked for by that name."""
    if url != EMBEDDED:
        yield Database(url)
        return
    from chat_persistence import embedded

    with embedded.start() as server:
        yield Database(server.url, server.data_directory)
