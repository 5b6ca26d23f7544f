"""A file as the source of an import: plain, compressed by gzip, or a ZIP that holds what is wanted."""

import asyncio
import gzip
import re
import time
import zipfile
import zlib
from collections.abc import AsyncGenerator, Generator, Iterator
from functools import partial
from os import PathLike
from pathlib import Path
from typing import BinaryIO, cast

from chat_persistence.errors import InvalidInput
from chat_persistence.transfer.records import BadRecord, Format, FoundConversation, ReadProgress, Record

MEMBERS = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json")
"""What exports call the files in their ZIP that hold conversations."""

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"

STINT_SECONDS = 0.05
"""How long a stay in the thread lasts; what it found is in memory then."""

# A RuntimeError is how zipfile asks for a password, or refuses a compression that it does not know.
_BROKEN = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


class FileSource:
    """A file in some format. It is read in a thread, a little at a time, and never held as a whole."""

    def __init__(self, path: str | PathLike[str], format: Format) -> None:
        self._path = Path(path)
        self._format = format
        self._progress = ReadProgress()

    @property
    def progress(self) -> ReadProgress:
        """How many bytes of the file were read, of how many."""
        return self._progress

    async def records(self) -> AsyncGenerator[Record, None]:
        """Yield what is in the file; raise `InvalidInput` when it cannot be opened."""
        records = self._read()
        read_on = partial(asyncio.get_running_loop().run_in_executor, None, _take, records)
        stint = read_on()
        try:
            while some := await asyncio.shield(stint):
                for record in some:
                    yield record
                stint = read_on()
        finally:
            # A thread cannot be cancelled: what it reads from is closed when it has come back.
            stint.add_done_callback(lambda _: records.close())

    def _read(self) -> Generator[Record, None, None]:
        with self._open() as file:
            size = self._path.stat().st_size
            try:
                for record in _read(file, self._format):
                    self._progress = ReadProgress(min(file.tell(), size), size)
                    yield record
            except _BROKEN as error:
                yield BadRecord("the file", f"it cannot be read on ({type(error).__name__})")
            self._progress = ReadProgress(size, size)

    def _open(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise InvalidInput("path", error.strerror or "it cannot be opened") from None


def _take(records: Iterator[Record]) -> list[Record]:
    """Return what is read in one stint: nothing when there is nothing left."""
    end = time.monotonic() + STINT_SECONDS
    taken = []
    for record in records:
        taken.append(record)
        if time.monotonic() > end:
            break
    return taken


def _read(file: BinaryIO, format: Format) -> Iterator[Record]:
    start = file.read(len(ZIP))
    file.seek(0)
    if start == ZIP:
        yield from _read_archive(file, format)
    elif start.startswith(GZIP):
        with gzip.open(file) as unpacked:
            yield from format.records(cast(BinaryIO, unpacked))
    else:
        yield from format.records(file)


def _read_archive(file: BinaryIO, format: Format) -> Iterator[Record]:
    with zipfile.ZipFile(file) as archive:
        members = sorted(name for name in archive.namelist() if MEMBERS.fullmatch(name))
        if not members:
            yield BadRecord("the archive", "it holds no conversations.json")
        for member in members:
            with archive.open(member) as unpacked:
                for record in format.records(cast(BinaryIO, unpacked)):
                    yield _within(member, record)


def _within(member: str, record: Record) -> Record:
    name = member.rpartition("/")[2]
    place = f"{name}, {record.place}"
    if isinstance(record, BadRecord):
        return BadRecord(place, record.reason)
    return FoundConversation(place, record.conversation)
