"""The statements on drafts: replies in the making, stored in parts that are only ever inserted and deleted.

A draft is there while its first part is and no message has its id. Whatever part comes late, when another process
has made the message of it or has thrown it away, is refused where it can be seen, and belongs to no draft where it
cannot: of two statements that run at the same time, neither sees what the other does.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Delete,
    FromClause,
    Select,
    Text,
    cast,
    delete,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by, insert

from chat_persistence.models import DraftPart
from chat_persistence.statements import messages as message_statements
from chat_persistence.statements.arguments import (
    chat,
    how_many,
    message,
    message_after,
    owner,
    place,
    said,
    said_natively,
)
from chat_persistence.statements.user_keys import in_force

drafts = DraftPart.__table__
messages = message_statements.messages

ADDED = "added"
SAME = "same"
OTHER = "other"
IS_MESSAGE = "is_message"

COLUMNS: tuple[ColumnElement[Any], ...] = (
    drafts.c.conversation_id,
    drafts.c.user_id,
    drafts.c.id,
    func.array_agg(aggregate_order_by(drafts.c.content, drafts.c.part)).label("contents"),
    func.array_agg(aggregate_order_by(cast(drafts.c.native, Text), drafts.c.part)).label("natives"),
    func.min(drafts.c.created_at).label("started_at"),
    func.max(drafts.c.created_at).label("updated_at"),
)
"""The columns of a `DraftRead`, its parts in their order."""


def owned(table: FromClause = drafts) -> ColumnElement[bool]:
    """Return the condition that every reference to the table carries."""
    return table.c.user_id == owner


def of_chat(table: FromClause = drafts) -> ColumnElement[bool]:
    """Return the condition for the drafts of one conversation of the owner."""
    return owned(table) & (table.c.conversation_id == chat)


def is_draft(table: FromClause = drafts) -> ColumnElement[bool]:
    """Return the condition for the parts of one draft."""
    return of_chat(table) & (table.c.id == message)


def add_sealed() -> CompoundSelect[Any]:
    """Store a part that was encrypted with the owner's key, if that is still in force.

    Encrypted again, an equal part is an `other` one. No row: as `add`, or the key has become another.
    """
    return add(exists(select(in_force().c.user_id)))


def add(*conditions: ColumnElement[bool]) -> CompoundSelect[Any]:
    """Store a part after the one before it, unless there is a message of its id; say what is there in one row or two.

    `added` and `same` are the part as it was given; `other` is another part of this number; `is_message` says that
    the draft has become its message. No row: the part before it is gone, or an equal part is being stored.
    """
    previous = drafts.alias("previous")
    added = (
        insert(DraftPart)
        .from_select(
            ["user_id", "conversation_id", "id", "part", "content", "native"],
            select(owner, chat, message, place, said, cast(said_natively, JSON)).where(
                *conditions,
                ~exists(select(messages.c.id).where(_is_message())),
                or_(
                    place == literal_column("1"),
                    exists(
                        select(previous.c.part).where(
                            is_draft(previous), previous.c.part == place - literal_column("1")
                        )
                    ),
                ),
            ),
            include_defaults=False,
        )
        .on_conflict_do_nothing(index_elements=[drafts.c.user_id, drafts.c.conversation_id, drafts.c.id, drafts.c.part])
        .returning(drafts.c.part)
        .cte("added")
    )
    is_same = (drafts.c.content == said) & cast(drafts.c.native, Text).is_not_distinct_from(said_natively)
    return union_all(
        select(_told(ADDED)).select_from(added),
        select(_told(SAME)).where(is_draft(), drafts.c.part == place, is_same),
        select(_told(OTHER)).where(is_draft(), drafts.c.part == place, ~is_same),
        select(_told(IS_MESSAGE)).where(_is_message()),
    )


def get() -> Select[Any]:
    """Read one draft."""
    return _whole().where(is_draft())


def page() -> Select[Any]:
    """Read the drafts of a conversation after one of them, by their ids."""
    after = or_(message_after.is_(null()), drafts.c.id > message_after)
    return _whole().where(of_chat(), after).order_by(drafts.c.id).limit(how_many)


def remove() -> Delete:
    """Delete the parts of one draft."""
    return delete(DraftPart).where(is_draft())


def _whole() -> Select[Any]:
    has_become_message = exists(select(messages.c.id).where(message_statements.owned(), messages.c.id == drafts.c.id))
    return (
        select(*COLUMNS)
        .where(~has_become_message)
        .group_by(drafts.c.conversation_id, drafts.c.user_id, drafts.c.id)
        .having(func.min(drafts.c.part) == literal_column("1"))
    )


def _is_message() -> ColumnElement[bool]:
    return message_statements.owned() & (messages.c.id == message)


def _told(outcome: str) -> ColumnElement[str]:
    return literal_column(f"'{outcome}'").label("outcome")
