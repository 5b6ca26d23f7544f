"""The statements on one user's conversations."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    case,
    cast,
    delete,
    func,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert, ReturningUpdate

from chat_persistence.models import Conversation
from chat_persistence.statements.arguments import (
    chat,
    expected,
    heading,
    hidden,
    how_many,
    moment,
    notes,
    owner,
    sets_heading,
    sets_notes,
)

conversations = Conversation.__table__

COLUMNS: tuple[ColumnElement[Any], ...] = (
    conversations.c.user_id,
    conversations.c.id,
    conversations.c.title,
    conversations.c.last_position,
    conversations.c.message_count,
    conversations.c.created_at,
    conversations.c.updated_at,
    conversations.c.archived_at,
    cast(conversations.c.metadata, Text).label("metadata"),
    conversations.c.forked_from,
    conversations.c.forked_position,
)
"""The columns of a `ConversationRead`, in its order."""

# Never backwards: a transaction that began first may write last.
NOW_OR_LATER = func.greatest(conversations.c.updated_at, func.now())


def owned(table: FromClause = conversations) -> ColumnElement[bool]:
    """Return the condition that every reference to the table carries."""
    return table.c.user_id == owner


def is_chat(table: FromClause = conversations) -> ColumnElement[bool]:
    """Return the condition for one conversation of the owner."""
    return owned(table) & (table.c.id == chat)


def is_at_expected() -> ColumnElement[bool]:
    """Return the condition that the log is at the expected position, if one is."""
    return or_(expected.is_(null()), conversations.c.last_position == expected)


def create() -> ReturningInsert[Any]:
    """Create a conversation, or return the one that has this id: `DO NOTHING` would return no row."""
    statement = insert(Conversation).values(
        {
            conversations.c.user_id: owner,
            conversations.c.id: chat,
            conversations.c.title: heading,
            conversations.c.metadata: cast(notes, JSONB),
        }
    )
    return statement.on_conflict_do_update(
        index_elements=[conversations.c.user_id, conversations.c.id],
        # Changes nothing, and of no column of a key: that is a right which no role needs.
        set_={"title": conversations.c.title},
    ).returning(*COLUMNS)


def get() -> Select[Any]:
    """Read one conversation."""
    return select(*COLUMNS).where(is_chat())


def page_active() -> Select[Any]:
    """Read the newest conversations that are not archived, newest activity first."""
    return _listing(conversations.c.archived_at.is_(None))


def page_archived() -> Select[Any]:
    """Read the newest archived conversations, newest activity first."""
    return _listing(conversations.c.archived_at.is_not(None))


def page_active_after() -> Select[Any]:
    """Read on after a place in the listing of `page_active`."""
    return page_active().where(_is_after())


def page_archived_after() -> Select[Any]:
    """Read on after a place in the listing of `page_archived`."""
    return page_archived().where(_is_after())


def change() -> ReturningUpdate[Any]:
    """Set the title, the metadata, or both."""
    return _update(
        title=case((sets_heading, heading), else_=conversations.c.title),
        metadata=case((sets_notes, cast(notes, JSONB)), else_=conversations.c.metadata),
    )


def set_archived() -> ReturningUpdate[Any]:
    """Archive or unarchive; the time of the first archiving stays."""
    archived_at = func.coalesce(conversations.c.archived_at, func.now())
    return _update(archived_at=case((hidden, archived_at), else_=null()))


def remove() -> ReturningDelete[Any]:
    """Delete one conversation; its messages go by cascade."""
    return delete(Conversation).where(is_chat()).returning(conversations.c.id)


def _listing(kind: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*COLUMNS)
        .where(owned(), kind)
        .order_by(conversations.c.updated_at.desc(), conversations.c.id.desc())
        .limit(how_many)
    )


def _is_after() -> ColumnElement[bool]:
    return tuple_(conversations.c.updated_at, conversations.c.id) < tuple_(moment, chat)


def _update(**values: ColumnElement[Any]) -> ReturningUpdate[Any]:
    return (
        update(Conversation)
        .where(is_chat())
        .values({conversations.c[name]: value for name, value in values.items()})
        .values({conversations.c.updated_at: NOW_OR_LATER})
        .returning(*COLUMNS)
    )
