"""The statements of those who follow a conversation: where it is, what is new in it, and that they are there."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select, true, update
from sqlalchemy.sql.dml import ReturningUpdate

from chat_persistence.models import Conversation
from chat_persistence.statements import conversations as conversation_statements
from chat_persistence.statements import messages as message_statements
from chat_persistence.statements.arguments import place

conversations = conversation_statements.conversations

WHEREABOUTS = (conversations.c.created_at, conversations.c.last_position)
"""What comes before the columns of a message in each row of `news`."""

LEASE: ColumnElement[timedelta] = literal_column("interval '60 seconds'")


def news() -> Select[Any]:
    """Read where a conversation is and its messages after a position, in any order.

    One row of nulls beside it when there are none, for which the messages are not even looked at; no row at all when
    it is absent.
    """
    newer = message_statements.after().where(conversations.c.last_position > place).lateral("newer")
    return (
        select(*WHEREABOUTS, *newer.c)
        .select_from(Conversation)
        .join(newer, true(), isouter=True)
        .where(conversation_statements.is_chat())
    )


def lease() -> ReturningUpdate[Any]:
    """Say that a conversation is followed, for a minute; no row comes back when it is absent.

    Nor when somebody else holds its row: an append has it for the time of a commit, a unit of work may have it for
    much longer, and who only reads waits for neither.
    """
    seen = conversations.alias("seen")
    free = (
        select(seen.c.id)
        .where(conversation_statements.is_chat(seen))
        .with_for_update(key_share=True, skip_locked=True)
        .scalar_subquery()
    )
    return (
        update(Conversation)
        .where(conversation_statements.is_chat(), conversations.c.id == free)
        .values({conversations.c.followed_until: func.now() + LEASE})
        .returning(conversations.c.id)
    )
