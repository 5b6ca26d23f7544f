"""The statements that read one user's messages; what is read newest first is put in order by the reader."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Text, any_, cast, func, null, select, true, tuple_
from sqlalchemy.sql.expression import Subquery

from chat_persistence.models import Conversation, Message, MessageRole
from chat_persistence.statements import conversations as conversation_statements
from chat_persistence.statements.arguments import chat, how_many, id_array, message, owner, place

messages = Message.__table__


def columns(rows: FromClause = messages) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of a `MessageRead`, in its order."""
    return (
        rows.c.conversation_id,
        rows.c.user_id,
        rows.c.position,
        rows.c.id,
        rows.c.role,
        rows.c.content,
        cast(rows.c.tool_calls, Text).label("tool_calls"),
        cast(rows.c.native, Text).label("native"),
        cast(rows.c.metadata, Text).label("metadata"),
        rows.c.token_count,
        rows.c.created_at,
    )


COLUMNS = columns()

MAX_MESSAGES = 1000
"""How many messages a read by turns may return."""


def owned(table: FromClause = messages) -> ColumnElement[bool]:
    """Return the condition that every reference to the table carries."""
    return table.c.user_id == owner


def of_chat() -> ColumnElement[bool]:
    """Return the condition for the messages of one conversation of the owner."""
    return owned() & (messages.c.conversation_id == chat)


def get() -> Select[Any]:
    """Read one message."""
    return select(*COLUMNS).where(owned(), messages.c.id == message)


def last() -> Select[Any]:
    """Read the newest messages, newest first."""
    return select(*COLUMNS).where(of_chat()).order_by(messages.c.position.desc()).limit(how_many)


def stored() -> Select[Any]:
    """Read which of some ids the owner has stored, in whatever conversation."""
    return select(messages.c.id).where(owned(), messages.c.id == any_(id_array))


def before() -> Select[Any]:
    """Read the messages before a position, newest first."""
    return last().where(messages.c.position < place)


def after() -> Select[Any]:
    """Read the messages after a position, oldest first."""
    return select(*COLUMNS).where(of_chat(), messages.c.position > place).order_by(messages.c.position).limit(how_many)


def through() -> Select[Any]:
    """Read the messages up to one of them, newest first."""
    ends = messages.alias("ends")
    end = select(ends.c.conversation_id, ends.c.position).where(owned(ends), ends.c.id == message).cte("end")
    chat_of_end = select(end.c.conversation_id).scalar_subquery()
    position_of_end = select(end.c.position).scalar_subquery()
    return (
        select(*COLUMNS)
        .where(
            owned(),
            # Both say: of the same conversation. By an equation, PostgreSQL takes each conversation for a short one,
            # and may sort all of it rather than walk the index.
            messages.c.conversation_id >= chat_of_end,
            tuple_(messages.c.conversation_id, messages.c.position) <= tuple_(chat_of_end, position_of_end),
        )
        .order_by(messages.c.conversation_id.desc(), messages.c.position.desc())
        .limit(how_many)
    )


def last_turns() -> Select[Any]:
    """Read from the start of the `how_many`-th newest turn on, newest first; from the bound on without one."""
    newest = _newest(MAX_MESSAGES)
    starts = (
        select(newest.c.position)
        .where(_starts_turn(newest))
        .order_by(newest.c.position.desc())
        .limit(how_many)
        .subquery("starts")
    )
    return _from_position(select(func.min(starts.c.position)).scalar_subquery())


def last_whole_turns() -> Select[Any]:
    """Read the turns that begin among the newest `how_many` messages, or else the newest turn; newest first."""
    newest = _newest(how_many)
    within = select(func.min(newest.c.position)).where(_starts_turn(newest)).scalar_subquery()
    bound = _newest(MAX_MESSAGES)
    nearest = select(func.max(bound.c.position)).where(_starts_turn(bound)).scalar_subquery()
    return _from_position(func.coalesce(within, nearest))


def conversation_with_last() -> Select[Any]:
    """Read a conversation and its newest messages, in any order; one row of nulls beside it when it has none."""
    newest = last().subquery("newest")
    return (
        select(*conversation_statements.COLUMNS, *newest.c)
        .select_from(Conversation)
        .join(newest, true(), isouter=True)
        .where(conversation_statements.is_chat())
    )


def _newest(limit: Any) -> Subquery:
    return (
        select(messages.c.position, messages.c.role, messages.c.tool_calls)
        .where(of_chat())
        .order_by(messages.c.position.desc())
        .limit(limit)
        .subquery()
    )


def _starts_turn(rows: Subquery) -> ColumnElement[bool]:
    # Providers that put tool results on the user's side send rows of `user` that start no turn.
    return (rows.c.role == MessageRole.USER.value) & (rows.c.tool_calls == null())


def _from_position(start: ColumnElement[int]) -> Select[Any]:
    return (
        select(*COLUMNS)
        .where(of_chat(), messages.c.position >= func.coalesce(start, 0))
        .order_by(messages.c.position.desc())
        .limit(MAX_MESSAGES)
    )
