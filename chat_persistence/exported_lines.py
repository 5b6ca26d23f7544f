"""The lines of an export.

    {"format": "chat_persistence", "version": 1, "user_id": null}
    {"conversation": {…, "message_count": 2, …}}
    {"message": {"position": 1, …}}
    {"message": {"position": 2, …}}
    {"end": {"conversations": 1, "messages": 2}}

As many messages follow a conversation as it says, and a file without its last line is not whole. Text is as in the
tables: U+FDD0 and four hex digits stand for U+0000, lone surrogates and U+FDD0 itself. Of JSON's own escapes two
surrogates that follow on each other would be read as one character.
"""

import json
from typing import Any

FORMAT = "chat_persistence"
VERSION = 1
CONVERSATION = b'{"conversation":'
MESSAGE = b'{"message":'


def header_line(user_id: str | None) -> bytes:
    """Return the first line, which says whose export it is: one user's, or everybody's."""
    return line_of({"format": FORMAT, "version": VERSION, "user_id": user_id})


def end_line(conversations: int, messages: int) -> bytes:
    """Return the last line."""
    return b'{"end":{"conversations":%d,"messages":%d}}\n' % (conversations, messages)


def line_of(value: Any) -> bytes:
    """Return a value as a line of UTF-8; a line with lone surrogates, which have none, is all ASCII."""
    written = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return written.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"
