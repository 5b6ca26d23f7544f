"""The statements that count what was used."""

from typing import Any

from sqlalchemy import FromClause, Select, func, literal_column, null, select

from chat_persistence.statements.arguments import chat, how_many
from chat_persistence.statements.conversations import conversations, is_chat
from chat_persistence.statements.conversations import owned as owned_conversations
from chat_persistence.statements.messages import messages
from chat_persistence.statements.messages import owned as owned_messages

MESSAGES_AT_ONCE = 100_000


def of_chat() -> Select[Any]:
    """Count the messages of one conversation and their tokens; no row when it is absent."""
    return _count(select(conversations.c.id).where(is_chat()).subquery("counted"))


def of_some() -> Select[Any]:
    """Count the first conversations by their ids, `how_many` at most, or those that have so many messages."""
    return _count(_first(_some()))


def of_some_after() -> Select[Any]:
    """Count on after a conversation."""
    return _count(_first(_some().where(conversations.c.id > chat)))


def _some() -> Select[Any]:
    return (
        select(conversations.c.id, conversations.c.message_count)
        .where(owned_conversations())
        .order_by(conversations.c.id)
        .limit(how_many)
    )


def _first(some: Select[Any]) -> FromClause:
    found = some.subquery("found")
    before = func.sum(found.c.message_count).over(order_by=found.c.id) - found.c.message_count
    reckoned = select(found.c.id, before.label("before")).subquery("reckoned")
    # The first always, however long it is.
    fits = reckoned.c.before < literal_column(str(MESSAGES_AT_ONCE))
    return select(reckoned.c.id).where(fits).subquery("counted")


def _count(counted: FromClause) -> Select[Any]:
    return (
        select(
            counted.c.id,
            func.count(messages.c.id),
            func.coalesce(func.sum(messages.c.token_count), literal_column("0")),
            func.count(messages.c.id).filter(messages.c.token_count == null()),
        )
        .select_from(counted)
        .join(messages, owned_messages() & (messages.c.conversation_id == counted.c.id), isouter=True)
        .group_by(counted.c.id)
        .order_by(counted.c.id)
    )
