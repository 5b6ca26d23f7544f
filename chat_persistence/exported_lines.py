"""The lines of an export: what PostgreSQL wrote, with the text that was escaped in the tables as it was said.

{"format": "chat_persistence", "version": 1}        first
{"conversation": {…, "message_count": 2, …}}        as many messages follow
{"message": {"position": 1, …}}
{"message": {"position": 2, …}}
{"end": {"conversations": 1, "messages": 2}}        last: without it the file is not whole
"""

import json
from collections.abc import Mapping
from typing import Any

from chat_persistence.text import ESCAPE, unescape_json

FORMAT = "chat_persistence"
VERSION = 1
HEADER = b'{"format":"%s","version":%d}\n' % (FORMAT.encode(), VERSION)

CONVERSATION = b'{"conversation":'
MESSAGE = b'{"message":'

ESCAPED_COLUMNS = ("content", "tool_calls", "native", "metadata")
"""A title is never escaped: it refuses what PostgreSQL cannot store."""

_ESCAPE = ESCAPE.encode()


def end_line(conversations: int, messages: int) -> bytes:
    """Return the last line."""
    return b'{"end":{"conversations":%d,"messages":%d}}\n' % (conversations, messages)


def restored(lines: bytes) -> bytes:
    """Return lines with what was escaped in them as it was said; nearly all are as they are."""
    if _ESCAPE not in lines:
        return lines
    return b"".join(_restored(line) if _ESCAPE in line else line for line in lines.splitlines(keepends=True))


def line_of(value: Any) -> bytes:
    """Return a value as a line of UTF-8; a line with lone surrogates, which have none, is all ASCII."""
    written = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return written.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _restored(line: bytes) -> bytes:
    try:
        ((kind, values),) = json.loads(line).items()
        return line_of({kind: _unescaped(values)})
    except (ValueError, RecursionError):
        return line  # written by hand: an infinity, or deeper than anybody reads


def _unescaped(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: unescape_json(value) if name in ESCAPED_COLUMNS else value for name, value in values.items()}
