"""An export as a file: written beside its name until it is whole, and gone on with where it was broken off."""

import asyncio
import gzip
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Literal, cast

from chat_persistence.errors import InvalidInput
from chat_persistence.reports import ExportProgress
from chat_persistence.store import ChatStore
from chat_persistence.transfer.begun_exports import BegunExport, find_begun_export
from chat_persistence.transfer.formats.openai_export import openai_lines

ExportFormat = Literal["ndjson", "openai"]

PARTIAL = ".partial"
"""What is not whole yet is beside the file, under its name and this."""

COMPRESSED = ".gz"


@dataclass(frozen=True, slots=True)
class FileExport:
    """What is to be exported: one user, or everybody, into which file."""

    path: Path
    user_id: str | None = None
    format: ExportFormat = "ndjson"

    @property
    def partial(self) -> Path:
        """Return where it is until it is whole."""
        return self.path.with_name(self.path.name + PARTIAL)

    @property
    def can_be_resumed(self) -> bool:
        """Whether what is there can be gone on with."""
        return self.format == "ndjson" and self.path.suffix != COMPRESSED


async def export_file(
    store: ChatStore,
    path: str | PathLike[str],
    user_id: str | None = None,
    *,
    format: ExportFormat = "ndjson",
    resume: bool = False,
    on_progress: Callable[[ExportProgress], None] | None = None,
) -> ExportProgress:
    """Export one user, or everybody, into a file, which is there when it is whole; compressed if it ends in `.gz`.

    Until then it is beside it, as `….partial`. With `resume`, what is there is gone on with after its last whole
    conversation; a compressed file or another format than NDJSON cannot be, which is `InvalidInput`.
    """
    wanted = FileExport(Path(path), user_id, format)
    if resume and not wanted.can_be_resumed:
        raise InvalidInput("resume", "only NDJSON that is not compressed can be gone on with")
    try:
        return await _export(store, wanted, on_progress, resume=resume)
    except OSError as error:
        raise InvalidInput("path", error.strerror or "it cannot be written") from None


def pieces_of(
    store: ChatStore,
    user_id: str | None = None,
    *,
    format: ExportFormat = "ndjson",
    after: ExportProgress | None = None,
    on_progress: Callable[[ExportProgress], None] | None = None,
) -> AsyncGenerator[bytes, None]:
    """Return the pieces of a file, in one of the formats."""
    pieces = store.export(user_id, after=after, on_progress=on_progress)
    return pieces if format == "ndjson" else openai_lines(pieces)


async def _export(
    store: ChatStore, wanted: FileExport, on_progress: Callable[[ExportProgress], None] | None, *, resume: bool
) -> ExportProgress:
    begun = await asyncio.to_thread(_find_begun, wanted) if resume else None
    last = ExportProgress() if begun is None else begun.progress

    def take_note(progress: ExportProgress) -> None:
        nonlocal last
        last = progress
        if on_progress is not None:
            on_progress(progress)

    after = None if begun is None else begun.progress
    pieces = pieces_of(store, wanted.user_id, format=wanted.format, after=after, on_progress=take_note)
    async with aclosing(pieces):
        with _opened(wanted, begun) as file:
            async for piece in pieces:
                await asyncio.to_thread(file.write, piece)
    wanted.partial.replace(wanted.path)
    return last


def _find_begun(wanted: FileExport) -> BegunExport | None:
    try:
        with wanted.partial.open("rb") as file:
            return find_begun_export(file, wanted.user_id)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InvalidInput("resume", str(error)) from None


@contextmanager
def _opened(wanted: FileExport, begun: BegunExport | None) -> Iterator[BinaryIO]:
    with wanted.partial.open("wb" if begun is None else "r+b") as file:
        if begun is not None:
            file.truncate(begun.end)
            file.seek(begun.end)
        if wanted.path.suffix == COMPRESSED:
            # Without a name and a time in it, so that equal exports are equal files.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed:
                yield cast(BinaryIO, compressed)
        else:
            yield file
        file.flush()
        os.fsync(file.fileno())
