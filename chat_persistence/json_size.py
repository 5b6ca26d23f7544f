"""How long a value would be as JSON, at the least, found out without writing it."""

from collections.abc import Collection
from typing import Any

_BRANCHES = (list, dict)
_SIZED = (str, list, dict)
_SCALARS = {int, float, bool, type(None)}


def is_longer(value: Any, max_chars: int, max_depth: int) -> bool:
    """Whether `value` surely has more than `max_chars` characters as JSON, its strings without their quotes.

    A list or dict counts with all of its items before any of them is entered, so that the work is bounded by
    `max_chars` and not by the value; nothing is copied. What is nested deeper is left uncounted.
    """
    return _room_left(value, max_chars - _size((value,)), max_depth) < 0


def _room_left(value: Any, room: int, depth: int) -> int:
    if room < 0 or not isinstance(value, _BRANCHES):
        return room
    if isinstance(value, dict):
        room -= _size(value)
        value = value.values()
    room -= _size(value)
    for item in value if depth else ():
        if isinstance(item, _BRANCHES):
            room = _room_left(item, room, depth - 1)
            if room < 0:
                break
    return room


def _size(items: Collection[Any]) -> int:
    """Return the least number of characters of all items, at the speed of C where they have a length."""
    try:
        return sum(map(len, items))
    except TypeError:
        if set(map(type, items)) <= _SCALARS:
            return len(items)
        return sum(len(item) if isinstance(item, _SIZED) else 1 for item in items)
