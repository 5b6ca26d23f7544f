"""Reading a file that is one JSON array, item by item, in bounded memory.

With the standard library: ijson's fast parser reads a lone surrogate as a question mark, and here every text comes
back as it was.
"""

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any, BinaryIO

from chat_persistence.transfer.json_lines import MAX_RECORD_BYTES, JSONValue, reason_of
from chat_persistence.transfer.records import BadRecord

BLOCK_BYTES = 1_000_000

_LONGEST_EDGE = len("e+")

_scan = json.JSONDecoder().raw_decode
_utf8 = getincrementaldecoder("utf-8-sig")
_no_space = re.compile(r"[^ \t\r\n]").search


def read_json_array(file: BinaryIO, max_chars: int = MAX_RECORD_BYTES) -> Iterator[JSONValue | BadRecord]:
    """Yield the items, which count from 1. Where the text is no JSON nobody knows where it goes on: that ends it."""
    window = _Window(file, max_chars)
    number = 1
    try:
        window.expect("[")
        while not window.passes("]"):
            if number > 1:
                window.expect(",")
            yield JSONValue(f"item {number}", window.take_value())
            number += 1
    except (ValueError, RecursionError) as error:
        yield BadRecord(f"item {number}", f"{reason_of(error)}; nothing from here on was read")
    except _TooLong:
        yield BadRecord(f"item {number}", f"longer than {max_chars} characters; nothing from here on was read")


class _TooLong(Exception):
    """An item has no end within the bound."""


class _Window:
    """The part of the text that is being read."""

    def __init__(self, file: BinaryIO, max_chars: int) -> None:
        self._file = file
        self._max_chars = max_chars
        self._decoder = _utf8()
        self._text = ""
        self._start = 0
        self._is_at_end = False

    def passes(self, character: str) -> bool:
        """Whether this character is next, after spaces; it is passed then."""
        self._go_to_no_space()
        if not self._text.startswith(character, self._start):
            return False
        self._start += 1
        return True

    def expect(self, character: str) -> None:
        if not self.passes(character):
            raise json.JSONDecodeError("", "", 0)

    def take_value(self) -> Any:
        self._go_to_no_space()
        while True:
            try:
                value, end = _scan(self._text, self._start)
            except json.JSONDecodeError:
                if self._is_at_end:
                    raise
            else:
                # A number at the edge may go on, also after its point.
                if end < len(self._text) - _LONGEST_EDGE or self._is_at_end:
                    self._start = end
                    return value
            self._read_more()

    def _go_to_no_space(self) -> None:
        while not (found := _no_space(self._text, self._start)) and not self._is_at_end:
            self._start = len(self._text)
            self._read(BLOCK_BYTES)
        self._start = found.start() if found else len(self._text)

    def _read_more(self) -> None:
        length = len(self._text) - self._start
        if length > self._max_chars:
            raise _TooLong
        # Twice as much each time, so that a long item is scanned a few times and not once a block.
        self._read(max(BLOCK_BYTES, length))

    def _read(self, size: int) -> None:
        block = self._file.read(size)
        self._is_at_end = not block
        self._text = self._text[self._start :] + self._decoder.decode(block, self._is_at_end)
        self._start = 0
