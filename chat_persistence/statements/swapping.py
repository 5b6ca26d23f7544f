"""The compare-and-swap of a key of a conversation's metadata: what it expects, what it sets, and a look at both."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import ReturningUpdate

from chat_persistence.models import Conversation
from chat_persistence.statements.arguments import guard, key, swapped
from chat_persistence.statements.conversations import COLUMNS, NOW_OR_LATER, conversations, is_at_expected, is_chat

KEY_ALONE: ColumnElement[Any] = func.jsonb_build_object(key, cast(swapped, JSONB), type_=JSONB())
"""Metadata of the swapped key and nothing else."""

WITH_KEY: ColumnElement[Any] = conversations.c.metadata + KEY_ALONE
"""What the metadata becomes."""

_present: ColumnElement[Any] = conversations.c.metadata.op("->", return_type=JSONB())(key)


def swap() -> ReturningUpdate[Any]:
    """Swap a key of the metadata, or find that it has the new value already, wherever the log is by now."""
    return (
        update(Conversation)
        .where(
            is_chat(),
            or_(_present == cast(swapped, JSONB), and_(is_at_expected(), is_as_guarded())),
        )
        .values(
            {
                conversations.c.metadata: WITH_KEY,
                conversations.c.updated_at: NOW_OR_LATER,
            }
        )
        .returning(*COLUMNS)
    )


def look() -> Select[Any]:
    """Read where the log of a conversation is, and whether the key is as it is expected."""
    return select(conversations.c.last_position, is_as_guarded()).where(is_chat())


def is_as_guarded() -> ColumnElement[bool]:
    """Return the condition that the key has what is expected in it; without a guard, that it is not there."""
    return or_(
        and_(guard.is_(null()), _present.is_(null())),
        _present.op("@>", is_comparison=True)(cast(guard, JSONB)),
    )
