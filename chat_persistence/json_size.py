"""How long a value would be as JSON, at the least, found out without writing it."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

_BRANCHES = (list, dict)
_SIZED = (str, list, dict)
_MANY = 1024
_SCALARS = {int, float, bool, type(None)}


def is_longer(value: Any, max_chars: int, max_depth: int) -> bool:
    """Whether `value` surely has more than `max_chars` characters as JSON, its strings without their quotes.

    A list or dict counts with all of its items before any of them is entered, so that the work is bounded by
    `max_chars` and not by the value; nothing is copied. What is nested deeper is left uncounted.
    """
    room = max_chars - _size((value,), max_chars)
    if room >= 0 and isinstance(value, _BRANCHES):
        room = _room_left(value, room, max_depth)
    return room < 0


def _room_left(value: Any, room: int, depth: int) -> int:
    if isinstance(value, dict):
        room -= _size(value, room)
        value = value.values()
    if room >= 0:
        room -= _size(value, room)
    for item in value if depth else ():
        if room < 0:
            break
        if isinstance(item, _BRANCHES):
            room = _room_left(item, room, depth - 1)
    return room


def _size(items: Collection[Any], room: int) -> int:
    """Return the least number of characters of all items, or of so many that there is no room for them."""
    try:
        return sum(map(len, items)) if len(items) < _MANY else _sum(map(len, items), room)
    except TypeError:
        if set(map(type, items)) <= _SCALARS:
            return len(items)
        return _sum((len(item) if isinstance(item, _SIZED) else 1 for item in items), room)


def _sum(lengths: Iterator[int], room: int) -> int:
    total = 0
    while total <= room and (some := list(islice(lengths, _MANY))):
        total += sum(some)
    return total
