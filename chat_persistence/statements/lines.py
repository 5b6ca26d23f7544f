"""Conversations and their messages as lines of JSON, which PostgreSQL writes itself.

In the order of a conversation's key, each with its messages by their positions. No line holds a raw control
character, so that COPY sends it as it is. Text is what it is in the tables, where one escape stands for what PostgreSQL
cannot store.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Select, Text, cast, func, literal_column, select, union_all

from chat_persistence.models import Message

messages = Message.__table__

MAX_ROWS = 5_000
"""Messages of one page, after which no further conversation is begun."""


def _sql(literal: str) -> ColumnElement[Any]:
    return literal_column(literal)


_NOTHING = _sql("'null'")
_NO_LINE_BREAKS = _sql("''")
_LINE_BREAKS = _sql(r"E'\n\r'")
_QUOTE = _sql("""'"'""")
_TIME = _sql("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")


def first_conversations(some: Select[Any]) -> CTE:
    """Return those of `some`, which are in the order of their keys, until their messages fill a page."""
    next_ = some.cte("next")
    preceding = func.sum(next_.c.message_count).over(order_by=(next_.c.user_id, next_.c.id)) - next_.c.message_count
    return select(next_, preceding.label("preceding")).cte("numbered")


def lines_of(numbered: CTE, owner: ColumnElement[str]) -> Select[Any]:
    """Return the lines of the first of the numbered conversations; their messages are those of the owner."""
    begun = select(_sql("0").label("position"), conversation_line(numbered).label("line"))
    said = select(messages.c.position, message_line().label("line")).where(
        messages.c.user_id == owner,
        messages.c.conversation_id == numbered.c.id,
    )
    lines = union_all(begun.correlate(numbered), said.correlate(numbered)).lateral("lines")
    return (
        select(lines.c.line)
        .select_from(numbered)
        .join(lines, _sql("true"))
        .where(numbered.c.preceding < _sql(str(MAX_ROWS)))
        .order_by(numbered.c.user_id, numbered.c.id, lines.c.position)
    )


def conversation_line(rows: FromClause) -> ColumnElement[str]:
    """Return a conversation as one JSON object."""
    return _line(
        "conversation",
        {
            "user_id": _text(rows.c.user_id),
            "id": _quoted(rows.c.id),
            "title": _text(rows.c.title),
            "last_position": cast(rows.c.last_position, Text),
            "message_count": cast(rows.c.message_count, Text),
            "created_at": _moment(rows.c.created_at),
            "updated_at": _moment(rows.c.updated_at),
            "archived_at": _moment(rows.c.archived_at),
            "forked_from": _quoted(rows.c.forked_from),
            "forked_position": cast(rows.c.forked_position, Text),
            "metadata": cast(rows.c.metadata, Text),
        },
    )


def message_line() -> ColumnElement[str]:
    """Return a message as one JSON object."""
    return _line(
        "message",
        {
            "position": cast(messages.c.position, Text),
            "id": _quoted(messages.c.id),
            "role": _quoted(messages.c.role),
            "content": _text(messages.c.content),
            "tool_calls": cast(messages.c.tool_calls, Text),
            # A `json` written by hand may span lines.
            "native": func.translate(cast(messages.c.native, Text), _LINE_BREAKS, _NO_LINE_BREAKS),
            "metadata": cast(messages.c.metadata, Text),
            "token_count": cast(messages.c.token_count, Text),
            "created_at": _moment(messages.c.created_at),
        },
    )


def _line(kind: str, values: Mapping[str, ColumnElement[Any]]) -> ColumnElement[str]:
    pieces: list[ColumnElement[Any]] = []
    before = f'{{"{kind}":{{'
    for name, value in values.items():
        pieces += [_sql(f"""'{before}"{name}":'"""), func.coalesce(value, _NOTHING)]
        before = ","
    return func.concat(*pieces, _sql("'}}'"), type_=Text())


def _text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.to_json(column), Text)


def _quoted(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return _QUOTE + cast(column, Text) + _QUOTE


def _moment(column: ColumnElement[Any]) -> ColumnElement[Any]:
    # Not PostgreSQL's own form, which follows the time zone of the session.
    return _quoted(func.to_char(func.timezone(_sql("'UTC'"), column), _TIME))
