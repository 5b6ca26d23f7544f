"""The title that a conversation gets from its first user message."""

from collections.abc import Iterable

from chat_persistence.models import MessageRole
from chat_persistence.text import drop_unstorable
from chat_persistence.values import MAX_TITLE_CHARS, MessageCreate

# Enough text for a title whatever the spaces; a message may have a million characters.
_LOOKED_AT_CHARS = 10 * MAX_TITLE_CHARS


def title_of(messages: Iterable[MessageCreate]) -> str | None:
    """Return a title cut from the first user message with content: spaces collapsed, at most 200 characters."""
    for message in messages:
        if message.role is MessageRole.USER:
            title = cut(message.content)
            if title:
                return title
    return None


def cut(content: str) -> str:
    """Return the beginning of a text as a title; empty when there is nothing to read in it."""
    start = content[:MAX_TITLE_CHARS]
    title = _collapsed(start)
    if title == start or len(content) <= MAX_TITLE_CHARS:
        return title
    return _collapsed(content[:_LOOKED_AT_CHARS])[:MAX_TITLE_CHARS].rstrip()


def _collapsed(text: str) -> str:
    return " ".join(drop_unstorable(text).split())
