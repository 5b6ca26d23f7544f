"""Contents of messages, as the formats have them whose content may be a text."""

from collections.abc import Iterable
from typing import Any


def content_of(parts: Iterable[dict[str, Any]]) -> str | list[dict[str, Any]] | None:
    """Return parts as a content: nothing of none, and of a text alone the text."""
    match list(parts):
        case []:
            return None
        case [{"type": "text", "text": str(text)}]:
            return text
        case several:
            return several
