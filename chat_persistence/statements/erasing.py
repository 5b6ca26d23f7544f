"""The erasure of one user's conversations, batch by batch from the highest id down.

Ids of conversations grow with time, so what is created meanwhile is not met, and the walk has an end.
"""

from typing import Any

from sqlalchemy import CTE, ScalarSelect, Select, delete, func, select

from chat_persistence.models import Conversation, DraftPart
from chat_persistence.statements.arguments import chat_upto, how_many, owner
from chat_persistence.statements.conversations import conversations, owned

MAX_MESSAGES = 5_000
"""With as many messages a batch is full; the conversation that fills it is its last."""

drafts = DraftPart.__table__


def erase() -> Select[Any]:
    """Delete the next conversations and return the lowest id among them, and how many rows went; no row at the end."""
    batch = _batch()
    gone = (
        delete(Conversation)
        .where(owned(), conversations.c.id.in_(select(batch.c.id)))
        .returning(conversations.c.message_count)
        .cte("gone")
    )
    return _told(batch, gone)


def erasable() -> Select[Any]:
    """Count what `erase` would delete."""
    batch = _batch()
    return _told(batch, batch)


def _batch() -> CTE:
    next_ = (
        select(conversations.c.id, conversations.c.message_count)
        .where(owned(), conversations.c.id <= chat_upto)
        .order_by(conversations.c.id.desc())
        .limit(how_many)
        .cte("next")
    )
    preceding = func.sum(next_.c.message_count).over(order_by=next_.c.id.desc()) - next_.c.message_count
    numbered = select(next_, preceding.label("preceding")).subquery("numbered")
    return select(numbered.c.id, numbered.c.message_count).where(numbered.c.preceding < MAX_MESSAGES).cte("batch")


def _told(batch: CTE, counted: CTE) -> Select[Any]:
    lowest = select(batch.c.id).order_by(batch.c.id).limit(1).subquery("lowest")
    return select(
        lowest.c.id,
        _scalar(select(func.count()).select_from(counted)),
        _scalar(select(func.coalesce(func.sum(counted.c.message_count), 0))),
        _scalar(
            select(func.count())
            .select_from(DraftPart)
            .where(drafts.c.user_id == owner, drafts.c.conversation_id.in_(select(batch.c.id)))
        ),
    )


def _scalar(statement: Select[Any]) -> ScalarSelect[Any]:
    return statement.scalar_subquery()
