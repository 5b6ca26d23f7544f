"""Ids and names of tools, as strict a provider may be with them."""

import re
from hashlib import sha256

_UNUSUAL = re.compile(r"[^a-zA-Z0-9_-]")


def fitting_id(id: str, pattern: re.Pattern[str]) -> str:
    """Return an id that a provider takes: itself, or one of 37 characters that is the same for the same id."""
    if pattern.fullmatch(id):
        return id
    return f"call_{sha256(id.encode()).hexdigest()[:32]}"


def fitting_name(name: str, most: int = 64) -> str:
    """Return a tool's name of letters, digits, `_` and `-`, anything else being `_`."""
    return _UNUSUAL.sub("_", name)[:most] or "unnamed"
