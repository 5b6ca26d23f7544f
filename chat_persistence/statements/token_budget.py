"""The newest messages whose tokens fit a budget.

A message without a count is reckoned at one token for each three bytes of UTF-8 of what a runtime sends of it: its
content and tool calls, or `native`, whichever is longer. English takes four and more, Chinese about three. The
count is asked first, so that only what has none is measured.
"""

from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Text, case, cast, func, literal_column, select
from sqlalchemy.sql.expression import FromClause, Subquery

from chat_persistence.statements import messages as message_statements
from chat_persistence.statements.arguments import how_many, tokens
from chat_persistence.statements.messages import messages, of_chat

BYTES_A_TOKEN = 3

NEAR = 100
"""Looked at first, since most budgets end among them: a tenth of the pages of the newest thousand."""


def last_within() -> Select[Any]:
    """Read the newest messages, at most `how_many` and at most `tokens` together, newest first."""
    newest = _newest(_as_many_as_matter())
    so_far = func.sum(_tokens_of(newest)).over(order_by=newest.c.position.desc())
    added = select(newest, so_far.label("so_far")).subquery("added")
    return select(*message_statements.columns(added)).where(added.c.so_far <= tokens).order_by(added.c.position.desc())


def _as_many_as_matter() -> ColumnElement[int]:
    # By a limit that the planner does not know: where it takes a conversation for shorter than that, it would read the
    # whole of it, and sort that.
    near = _newest(select(_number(NEAR)).scalar_subquery())
    is_enough = select(func.sum(_tokens_of(near)) > tokens).scalar_subquery()
    return func.least(how_many, case((is_enough, _number(NEAR))))


def _newest(limit: ColumnElement[int]) -> Subquery:
    return select(messages).where(of_chat()).order_by(messages.c.position.desc()).limit(limit).subquery()


def _tokens_of(rows: FromClause) -> ColumnElement[int]:
    said = _bytes_of(rows.c.content) + _bytes_of(rows.c.tool_calls)
    longer = func.greatest(said, _bytes_of(rows.c.native))
    return func.coalesce(rows.c.token_count, (longer + _number(BYTES_A_TOKEN - 1)) // _number(BYTES_A_TOKEN))


def _bytes_of(value: ColumnElement[Any]) -> ColumnElement[int]:
    return func.coalesce(func.octet_length(cast(value, Text), type_=Integer()), _number(0))


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), Integer())
