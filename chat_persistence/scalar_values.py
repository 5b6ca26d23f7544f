"""How any text and any JSON is made of Unicode's scalar values, which is what UTF-8 can carry.

A record holds whatever was appended, lone surrogates included; a JSON response cannot. They become U+FFFD, as
everywhere on the web (`USVString` in Web IDL), two that make a pair become its character, and the rest is untouched.
JSON's own escapes would carry them, but half of the world's JSON readers refuse a text with such an escape in it.
"""

from typing import Any

from chat_persistence.text import is_encodable


def scalar_text(text: str) -> str:
    """Return `text` with U+FFFD for each lone surrogate."""
    return text if is_encodable(text) else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def scalar_json(value: Any) -> Any:
    """Return `value` with every string and key as `scalar_text` makes it."""
    if isinstance(value, str):
        return scalar_text(value)
    if isinstance(value, list):
        return [scalar_json(item) for item in value]
    if isinstance(value, dict):
        return {scalar_text(key): scalar_json(item) for key, item in value.items()}
    return value
