"""The rewind: the newest messages go, and the conversation's row says so, in one statement."""

from typing import Any

from sqlalchemy import Select, delete, func, literal_column, select, update

from chat_persistence.models import Conversation, Message
from chat_persistence.statements.arguments import place
from chat_persistence.statements.conversations import COLUMNS, NOW_OR_LATER, conversations, is_at_expected, is_chat
from chat_persistence.statements.messages import messages, of_chat


def rewind() -> Select[Any]:
    """Delete the messages after a position; take a position for it when there were any.

    No row comes back when the conversation is absent, or not at the expected position, or when an append was
    committed while this statement waited for the row: that append is invisible to the DELETE's snapshot, and would be
    left behind. The scalar subquery keeps that snapshot, where the row itself is read again.
    """
    after = messages.c.position > place
    seen = conversations.alias("seen")
    last_seen = select(seen.c.last_position).where(is_chat(seen)).scalar_subquery()
    removed = select(func.count()).select_from(Message).where(of_chat(), after).scalar_subquery()
    taken = (
        update(Conversation)
        .where(is_chat(), conversations.c.last_position == last_seen, is_at_expected())
        .values(
            {
                conversations.c.last_position: conversations.c.last_position + func.least(removed, literal_column("1")),
                conversations.c.message_count: conversations.c.message_count - removed,
                conversations.c.updated_at: NOW_OR_LATER,
            }
        )
        .returning(*COLUMNS)
        .cte("taken")
    )
    gone = delete(Message).where(of_chat(), after, select(taken.c.id).exists()).cte("gone")
    return select(*taken.c).add_cte(gone)
