"""A page of an export on its way from PostgreSQL to the reader: in memory, or in a temporary file when it is large.

So COPY goes at its own pace, and neither a connection nor a transaction waits for a slow reader.
"""

import json
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any
from uuid import UUID

from chat_persistence.errors import StoreUnavailable
from chat_persistence.exported_lines import CONVERSATION

MEMORY_BYTES = 8_000_000
PIECE_BYTES = 500_000


class ExportedPage:
    """The lines of some conversations, all of them whole. Close it."""

    def __init__(self) -> None:
        self._file: Any = SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 (it outlives this)
        self._unfinished = b""
        self._last_conversation = b""
        self.conversations = 0
        self.lines = 0

    @property
    def messages(self) -> int:
        """How many messages are in it."""
        return self.lines - self.conversations

    @property
    def last_key(self) -> tuple[str, UUID]:
        """Return whose the last conversation is, and its id."""
        conversation = json.loads(self._last_conversation)["conversation"]
        return conversation["user_id"], UUID(conversation["id"])

    def take(self, data: bytes) -> None:
        """Take what COPY sends; raise `StoreUnavailable`, which ends it, when nobody wants the page any more."""
        if self._file.closed:
            raise StoreUnavailable("the reader of this export has left")
        whole, line_break, unfinished = (self._unfinished + data).rpartition(b"\n")
        self._unfinished = unfinished
        if line_break:
            self._take_lines(b"\n" + whole)

    def pieces(self) -> Iterator[bytes]:
        """Yield the lines, some at a time."""
        self._file.seek(0)
        while piece := self._file.read(PIECE_BYTES):
            yield piece + self._file.readline()

    def close(self) -> None:
        """Forget it."""
        self._file.close()

    def _take_lines(self, lines: bytes) -> None:
        self.lines += lines.count(b"\n")
        self.conversations += lines.count(b"\n" + CONVERSATION)
        last = lines.rfind(b"\n" + CONVERSATION)
        if last >= 0:
            self._last_conversation = lines[last + 1 :].partition(b"\n")[0]
        self._file.write(lines[1:] + b"\n")
