"""Reading a file of JSON values, one a line, in bounded memory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from chat_persistence.transfer.records import BadRecord

MAX_RECORD_BYTES = 64_000_000
"""Of one line, or of one item of an array, as it stands in the file."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class JSONValue:
    """A value, and where it stood."""

    place: str
    value: Any


def read_json_lines(file: BinaryIO, max_bytes: int = MAX_RECORD_BYTES) -> Iterator[JSONValue | BadRecord]:
    """Yield the value of each line that is not blank; lines count from 1."""
    number = 0
    while line := file.readline(max_bytes + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)
        if len(line) > max_bytes:
            _skip_the_rest(file, line)
            yield BadRecord(f"line {number}", f"longer than {max_bytes} bytes")
        elif line and not line.isspace():
            yield _parse(line, f"line {number}")


def reason_of(error: ValueError | RecursionError) -> str:
    """Return why something cannot be read as JSON, without the text that the error holds."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    # Else Python refuses to read so long an integer.
    return "not JSON" if isinstance(error, json.JSONDecodeError) else "an integer of more than 4,300 digits"


def _parse(line: bytes, place: str) -> JSONValue | BadRecord:
    try:
        # Given bytes, it would guess an encoding.
        return JSONValue(place, json.loads(line.decode()))
    except (ValueError, RecursionError) as error:
        return BadRecord(place, reason_of(error))


def _skip_the_rest(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_RECORD_BYTES)
