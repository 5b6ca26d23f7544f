"""How any str and any JSON is made storable, and comes back equal.

PostgreSQL's text and jsonb take neither U+0000 nor lone surrogates, and Python's `str` holds both. One
escape stands for them: U+FDD0, a noncharacter, and four lowercase hex digits. U+FDD0 itself is escaped
too, so no text means two things; all other text is stored as it is.
"""

import json
import math
import re
from typing import Any

from pydantic_core import from_json
from pydantic_core import to_json as write_plain_json

from chat_persistence.errors import InvalidInput
from chat_persistence.json_size import is_longer

ESCAPE = "\ufdd0"
MAX_JSON_DEPTH = 64
MAX_PLAIN_CHARS = 65_536
"""More are written with care: a value that is too long is to be refused at a glance."""

MIN_PLAIN_FLOAT = 1e-4
MAX_PLAIN_NUMBER = 10**15
"""Between them, a float has no exponent, and below the second an integer is one to every writer."""

LEAST_CHARS_EACH = 2
"""Of the items of an array or an object: a digit and a comma."""

MAX_INTEGER_BITS = 14_284
"""4,300 decimal digits, beyond which Python itself refuses to write an integer."""
MAX_INTEGER_CHARS = 4_300
"""Beyond which pydantic_core 2.41 refuses to read one: it counts the sign."""

_LOOK_AHEAD_CHARS = 4_096
"""Most values are shorter, and are not measured before they are written."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff\ufdd0]")
_REFUSED = re.compile("[\x00\ud800-\udfff]")
# Nothing else after U+FDD0 is an escape: a row written by hand stays as it is.
_ESCAPED = re.compile("\ufdd0(0000|fdd0|d[89a-f][0-9a-f]{2})")
_write_string = json.JSONEncoder(ensure_ascii=False).encode


def escape(text: str) -> str:
    """Return `text` as PostgreSQL can store it."""
    return text if _is_storable(text) else _UNSTORABLE.sub(_escape_character, text)


def unescape(text: str) -> str:
    """Return what `escape` was given."""
    return _ESCAPED.sub(_unescape_character, text) if ESCAPE in text else text


def is_plain(text: str) -> bool:
    """Whether `text` holds neither U+0000 nor a surrogate, as identities and titles must not."""
    return "\x00" not in text and is_encodable(text)


def drop_unstorable(text: str) -> str:
    """Return `text` without U+0000 and surrogates."""
    return text if is_plain(text) else _REFUSED.sub("", text)


def _is_storable(text: str) -> bool:
    return ESCAPE not in text and is_plain(text)


def is_encodable(text: str) -> bool:
    """Whether `text` holds no surrogate."""
    # Of all text, only surrogates have no UTF-8; encoding finds them in half the time of a regular expression.
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _escape_character(match: re.Match[str]) -> str:
    return f"{ESCAPE}{ord(match[0]):04x}"


def _unescape_character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def to_json(value: Any, field: str, max_chars: int, *, binary: bool = True) -> str:
    """Return `value` as JSON text for a `jsonb` column, or for a `json` one with `binary=False`.

    Raise `InvalidInput`, naming the place, for what would not come back equal: NaN and infinities,
    keys that are not strings, tuples, sets and other objects, nesting beyond 64, integers beyond 4,300
    digits, and more than `max_chars` characters. Keys are a user's text, so the place counts them.
    """
    if _room_left(value, min(max_chars, MAX_PLAIN_CHARS), MAX_JSON_DEPTH) >= 0:
        written = write_plain_json(value)
        if len(written) <= max_chars:
            return written.decode()
    writer = _JSONWriter(value, field, max_chars, binary=binary)
    writer.write(value)
    return "".join(writer.parts)


def _room_left(value: Any, room: int, depth: int) -> int:
    """Return what is left of `room` characters after the least that `value` needs; negative when it is not plain.

    Plain is what `pydantic_core.to_json` writes as `_JSONWriter` does, in a tenth of the time, and nearly everything.
    """
    kind = type(value)
    if kind is str:
        return room - len(value) if len(value) <= room and _is_storable(value) else -1
    if value is None or kind is bool:
        return room
    if kind is int:
        return room if -MAX_PLAIN_NUMBER < value < MAX_PLAIN_NUMBER else -1
    if kind is float:
        return room if MIN_PLAIN_FLOAT <= abs(value) < MAX_PLAIN_NUMBER or value == 0 else -1
    if kind is dict or kind is list:
        return _room_left_by_all(value, room, depth - 1)
    return -1


def _room_left_by_all(items: dict[Any, Any] | list[Any], room: int, depth: int) -> int:
    room -= LEAST_CHARS_EACH * len(items)
    if room < 0 or depth < 0:
        return -1
    if isinstance(items, dict):
        for key in items:
            if type(key) is not str or (room := _room_left(key, room, depth)) < 0:
                return -1
    for item in items.values() if isinstance(items, dict) else items:
        if (room := _room_left(item, room, depth)) < 0:
            return -1
    return room


def read_json(text: str) -> Any:
    """Return what `to_json` was given; raise `ValueError` for text that no reader should trust."""
    value = from_json(text)
    return unescape_json(value) if ESCAPE in text else value


def unescape_json(value: Any) -> Any:
    """Return a JSON value with every string and key in it unescaped."""
    if isinstance(value, str):
        return unescape(value)
    if isinstance(value, list):
        return [unescape_json(item) for item in value]
    if isinstance(value, dict):
        return {unescape(key): unescape_json(item) for key, item in value.items()}
    return value


class _JSONWriter:
    """One walk that checks, escapes and writes.

    `pydantic_core.to_json` refuses lone surrogates, turns `{1: 2}` into `{"1": 2}` and writes NaN.
    """

    def __init__(self, value: Any, field: str, max_chars: int, *, binary: bool) -> None:
        self.parts: list[str] = []
        self._value = value
        self._path = [field]
        self._room = max_chars
        self._max_chars = max_chars
        self._looks_ahead_at = max(max_chars - _LOOK_AHEAD_CHARS, 0)
        self._binary = binary

    def write(self, value: Any) -> None:
        if value is None or value is True or value is False:
            self._add("null" if value is None else "true" if value else "false")
        elif isinstance(value, str):
            self._add_string(value)
        elif isinstance(value, int):
            self._add_integer(value)
        elif isinstance(value, float):
            self._add_float(value)
        elif isinstance(value, dict):
            self._add_object(value)
        elif isinstance(value, list):
            self._add_array(value)
        else:
            raise self._refusal("not a JSON value (str, int, float, bool, None, list or dict)")

    def _refusal(self, reason: str) -> InvalidInput:
        return InvalidInput("".join(self._path), reason)

    def _take_room(self, chars: int) -> None:
        self._room -= chars
        if self._room < self._looks_ahead_at:
            self._look_ahead()

    def _look_ahead(self) -> None:
        # Once, and before more is copied: 200 MB in whatever shape must cost no memory.
        if self._room < 0 or is_longer(self._value, self._max_chars, MAX_JSON_DEPTH):
            raise InvalidInput(self._path[0], f"longer than {self._max_chars} characters as JSON")
        self._looks_ahead_at = 0

    def _add(self, token: str) -> None:
        self._take_room(len(token))
        self.parts.append(token)

    def _add_string(self, value: str) -> None:
        self._take_room(len(value))
        self.parts.append(_write_string(escape(value)))

    def _add_integer(self, value: int) -> None:
        if value.bit_length() > MAX_INTEGER_BITS:
            raise self._refusal("an integer of more than 4,300 digits")
        written = int.__repr__(value)
        if len(written) > MAX_INTEGER_CHARS:
            raise self._refusal("an integer of more than 4,300 digits, its sign included")
        self._add(written)

    def _add_float(self, value: float) -> None:
        if not math.isfinite(value):
            raise self._refusal("NaN and infinities are not JSON")
        written = float.__repr__(value)
        if self._binary and "e+" in written:
            # jsonb drops the exponent, so 1e+23 would be read as an integer that is not equal to it.
            written = f"{value:.1f}"
        elif self._binary and "e-" in written:
            # jsonb writes all the zeros, so 10 MB of 5e-324 would be 470 MB to read.
            self._take_room(int(written.partition("e-")[2]))
        self._add(written)

    def _begin(self, bracket: str) -> None:
        if len(self._path) > MAX_JSON_DEPTH:
            raise InvalidInput(self._path[0], f"nested deeper than {MAX_JSON_DEPTH}")
        self._add(bracket)

    def _add_array(self, items: list[Any]) -> None:
        self._begin("[")
        for index, item in enumerate(items):
            if index:
                self._add(",")
            self._path.append(f"[{index}]")
            self.write(item)
            self._path.pop()
        self._add("]")

    def _add_object(self, items: dict[Any, Any]) -> None:
        self._begin("{")
        for index, (key, item) in enumerate(items.items()):
            if index:
                self._add(",")
            self._path.append(f".<key {index + 1}>")
            if not isinstance(key, str):
                raise self._refusal("a key that is not a string")
            self._add_string(key)
            self._add(":")
            self.write(item)
            self._path.pop()
        self._add("}")
