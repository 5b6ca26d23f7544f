"""The statements of an operator, over all users: the one place where no owner is named."""

from typing import Any

from sqlalchemy import Select, select

from chat_persistence.models import Conversation
from chat_persistence.statements.arguments import how_many, owner_after

conversations = Conversation.__table__


def users() -> Select[Any]:
    """Read the ids of the users who have a conversation, after one of them, in the order of their bytes."""
    return (
        select(conversations.c.user_id)
        .where(conversations.c.user_id > owner_after)
        .distinct()
        .order_by(conversations.c.user_id)
        .limit(how_many)
    )
