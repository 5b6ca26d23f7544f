"""The fork: a conversation and its first messages, stored once more under ids of their own, in one statement.

    forked   the new conversation's row, made of the source's; none when its id is taken, the source is absent, or its
             log does not reach that far
    copied   the messages, at the positions that they have in the source

The answer is `forked`, or else the conversation that has its id. Of two equal forks at once the loser waits for the
winner, whose row is not in its snapshot: no row comes back, and one more run finds it. All is read in the snapshot of
the statement's start, so the source is not locked, and nothing that befalls it meanwhile is half seen.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Integer,
    Text,
    Uuid,
    cast,
    column,
    exists,
    func,
    insert,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.dialects.postgresql import insert as insert_unless_there
from sqlalchemy.sql.expression import TableValuedAlias

from chat_persistence.models import Conversation, Message
from chat_persistence.statements.arguments import (
    chat,
    content_array,
    heading,
    how_many,
    native_array,
    new_chat,
    owner,
    place,
    place_array,
    tool_calls_array,
)
from chat_persistence.statements.conversations import COLUMNS, conversations, is_chat, owned
from chat_persistence.statements.messages import messages, of_chat
from chat_persistence.statements.user_keys import in_force


def fork() -> CompoundSelect[Any]:
    """Copy a conversation and its messages up to a position."""
    forked = _forked()
    return _fork(forked, _copied(forked, _copies()))


def fork_sealed() -> CompoundSelect[Any]:
    """Copy them with what they say encrypted for where it goes, if that is all of them, by a key still in force."""
    is_all = _count() == how_many
    forked = _forked(is_all, exists(select(in_force().c.user_id)))
    sent = _sent()
    texts = {
        "content": sent.c.content,
        "tool_calls": cast(sent.c.tool_calls, JSONB),
        "native": cast(sent.c.native, JSON),
    }
    return _fork(forked, _copied(forked, _copies() | texts, sent.c.position == messages.c.position))


def _fork(forked: CTE, copied: CTE) -> CompoundSelect[Any]:
    # A row that was deleted meanwhile is in the snapshot, and in nobody's way.
    there = select(*COLUMNS).where(owned(), conversations.c.id == new_chat, ~_is_any(forked))
    return union_all(select(*forked.c), there).add_cte(copied)


def _forked(*conditions: ColumnElement[bool]) -> CTE:
    source = conversations.alias("source")
    values: dict[str, ColumnElement[Any]] = {
        "user_id": owner,
        "id": new_chat,
        "title": func.coalesce(heading, source.c.title),
        "last_position": place,
        "message_count": _count(),
        # Not now(): its messages keep their times.
        "created_at": source.c.created_at,
        "updated_at": func.greatest(source.c.updated_at, func.now()),
        "metadata": source.c.metadata,
        "forked_from": chat,
        "forked_position": place,
    }
    row = select(*values.values()).where(is_chat(source), source.c.last_position >= place, *conditions)
    return (
        insert_unless_there(Conversation)
        .from_select(list(values), row, include_defaults=False)
        .on_conflict_do_nothing(index_elements=[conversations.c.user_id, conversations.c.id])
        .returning(*COLUMNS)
        .cte("forked")
    )


def _copies() -> dict[str, ColumnElement[Any]]:
    # Every column there is, so that one that a revision adds is not forgotten here.
    values: dict[str, ColumnElement[Any]] = {column.name: column for column in messages.c}
    return values | {"user_id": owner, "conversation_id": new_chat, "id": _id_of_copy()}


def _copied(forked: CTE, values: dict[str, ColumnElement[Any]], *conditions: ColumnElement[bool]) -> CTE:
    rows = (
        select(*values.values())
        .where(_shared(), _is_any(forked), *conditions)
        # Neighbours in the log are neighbours in the table.
        .order_by(messages.c.position)
    )
    return insert(Message).from_select(list(values), rows, include_defaults=False).cte("copied")


def _sent() -> TableValuedAlias:
    return (
        func.unnest(place_array, content_array, tool_calls_array, native_array)
        .table_valued(
            column("position", Integer),
            column("content", Text),
            column("tool_calls", Text),
            column("native", Text),
        )
        .render_derived(name="sent")
    )


def _count() -> ColumnElement[int]:
    return select(func.count()).select_from(Message).where(_shared()).scalar_subquery()


def _is_any(forked: CTE) -> ColumnElement[bool]:
    return select(forked.c.id).exists()


def _shared() -> ColumnElement[bool]:
    return of_chat() & (messages.c.position <= place)


def _id_of_copy() -> ColumnElement[Any]:
    """Return a UUIDv7 of the fork's own time, and else of a digest of both ids: the same for the same fork.

    Its time keeps the unique index growing at its right edge. SHA-256, since MD5 is refused where FIPS is on.
    """
    digest = func.encode(func.sha256(func.uuid_send(new_chat).op("||")(func.uuid_send(messages.c.id))), _sql("'hex'"))
    time = func.left(func.replace(cast(new_chat, Text), _sql("'-'"), _sql("''")), _sql("12"))
    version = func.overlay(func.left(digest, _sql("32")), func.concat(time, _sql("'7'")), _sql("1"))
    variant = func.overlay(version, _sql("'8'"), _sql("17"))
    return cast(variant, Uuid)


def _sql(constant: str) -> ColumnElement[Any]:
    return literal_column(constant)
