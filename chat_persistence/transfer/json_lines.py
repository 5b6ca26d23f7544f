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
        elif not line.isspace():
            yield parse(line, f"line {number}")


def parse(written: bytes | str, place: str) -> JSONValue | BadRecord:
    """Return what is written, lone surrogates included; what is not JSON in UTF-8 is bad."""
    try:
        # bytes would be taken for UTF-16 where they look like it.
        return JSONValue(place, json.loads(written if isinstance(written, str) else written.decode()))
    except UnicodeDecodeError:
        return BadRecord(place, "not UTF-8")
    except RecursionError:
        return BadRecord(place, "nested too deeply")
    except json.JSONDecodeError as error:
        return BadRecord(place, f"not JSON, at character {error.pos + 1}")
    except ValueError:
        return BadRecord(place, "an integer of more than 4,300 digits")


def _skip_the_rest(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_RECORD_BYTES)
