"""Whether JSON that was read is the JSON that was stored: more than Python's own equality."""

from typing import Any


def is_same(one: Any, other: Any, *, exactly: bool) -> bool:
    """Whether two JSON values are the same, kinds of numbers and booleans included.

    `exactly` means in the order of keys and the sign of zero, which jsonb does not keep.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        same_keys = list(one) == list(other) if exactly else one.keys() == other.keys()
        return same_keys and all(is_same(one[key], other[key], exactly=exactly) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(is_same(a, b, exactly=exactly) for a, b in zip(one, other, strict=True))
    if _kind(one) is not _kind(other):
        return False
    if exactly and isinstance(one, float):
        return float.__repr__(one) == float.__repr__(other)
    return bool(one == other)


def _kind(value: Any) -> type:
    # A bool is an int, and an enumeration's member may be a str: it is stored as what it is first.
    return next(kind for kind in (bool, int, float, str, list, dict, object) if isinstance(value, kind))
