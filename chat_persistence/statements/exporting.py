"""The export of one user: pages of conversations and their messages, by the key."""

from typing import Any

from sqlalchemy import Select, select

from chat_persistence.statements.arguments import chat_from, how_many, owner
from chat_persistence.statements.conversations import conversations, owned
from chat_persistence.statements.lines import first_conversations, lines_of


def lines() -> Select[Any]:
    """Read the next conversations of the owner from an id on, as lines of JSON."""
    some = (
        select(conversations)
        .where(owned(), conversations.c.id >= chat_from)
        .order_by(conversations.c.id)
        .limit(how_many)
    )
    return lines_of(first_conversations(some), owner)
