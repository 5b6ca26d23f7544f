"""The tables of other libraries, read for an import: message by message, those of a conversation one after another.

Nobody owns them here, so no owner is named; and what is read through a cursor needs no bound. The first two columns are
the conversation's key and a message, as text. What is known of a conversation comes with its first message.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, cast, column, func, literal, null, select, table
from sqlalchemy.sql.expression import TableClause


def openai_agents(
    sessions_table: str = "agent_sessions", messages_table: str = "agent_messages", schema: str | None = None
) -> Select[Any]:
    """Read the sessions of OpenAI's Agents SDK."""
    sessions = _table(sessions_table, schema, "session_id")
    messages = _table(messages_table, schema, "session_id", "id", "message_data", "created_at")
    order = (messages.c.session_id, messages.c.created_at, messages.c.id)
    return (
        select(messages.c.session_id, _row(messages), _once(sessions, messages.c.session_id, order))
        .join_from(messages, sessions, sessions.c.session_id == messages.c.session_id)
        .order_by(*order)
    )


def langchain(messages_table: str = "message_store", schema: str | None = None) -> Select[Any]:
    """Read LangChain's message histories, of langchain-postgres or of langchain-community."""
    messages = _table(messages_table, schema, "session_id", "id")
    columns: list[ColumnElement[Any]] = [cast(messages.c.session_id, Text), _row(messages), null()]
    return select(*columns).order_by(messages.c.session_id, messages.c.id)


def chainlit(schema: str | None = None) -> Select[Any]:
    """Read the threads of Chainlit, each with the name of its user."""
    users = _table("users", schema, "id", "identifier")
    threads = _table("threads", schema, "id", "userId")
    steps = _table("steps", schema, "id", "threadId", "createdAt")
    order = (threads.c.id, steps.c.createdAt, steps.c.id)
    return (
        select(cast(threads.c.id, Text), _row(steps), _once(threads, threads.c.id, order), users.c.identifier)
        .join_from(steps, threads, threads.c.id == steps.c.threadId)
        .outerjoin(users, users.c.id == threads.c.userId)
        .order_by(*order)
    )


def adk(schema: str | None = None) -> Select[Any]:
    """Read the sessions of Google's ADK."""
    sessions = _table("sessions", schema, "app_name", "user_id", "id")
    events = _table("events", schema, "app_name", "user_id", "session_id", "timestamp", "id")
    key = (events.c.app_name, events.c.user_id, events.c.session_id)
    order = (*key, events.c.timestamp, events.c.id)
    whole_key = cast(func.json_build_array(*key), Text)
    columns: list[ColumnElement[Any]] = [whole_key, _row(events), _once(sessions, key, order)]
    return (
        select(*columns)
        .join_from(
            events,
            sessions,
            (sessions.c.app_name == events.c.app_name)
            & (sessions.c.user_id == events.c.user_id)
            & (sessions.c.id == events.c.session_id),
        )
        .order_by(*order)
    )


def _table(name: str, schema: str | None, *columns: str) -> TableClause:
    return table(name, *map(column, columns), schema=schema)


def _row(of: TableClause) -> ColumnElement[str]:
    """All columns that there are, whatever the version of the library."""
    return cast(func.row_to_json(of.table_valued()), Text)


def _once(of: TableClause, key: Any, order: Sequence[ColumnElement[Any]]) -> ColumnElement[str | None]:
    is_first = func.row_number().over(partition_by=key, order_by=order) == literal(1)
    return case((is_first, _row(of)))
