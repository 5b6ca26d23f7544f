"""The statements of an operator, over all users: the one place where no owner is named."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    Uuid,
    cast,
    collate,
    column,
    exists,
    extract,
    func,
    literal_column,
    select,
    table,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, insert
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.expression import TableValuedAlias

from chat_persistence.models import Conversation
from chat_persistence.statements.arguments import (
    began_array,
    chat,
    chat_array,
    heading_array,
    hidden_array,
    how_many,
    how_many_array,
    message_after,
    moved_array,
    notes_array,
    owner_after,
    owner_array,
    seconds,
)
from chat_persistence.statements.drafts import COLUMNS as DRAFT_COLUMNS
from chat_persistence.statements.drafts import drafts, messages
from chat_persistence.statements.user_links import KEYS, UserIdType

MAX_ORPHANS = 20

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


def clock() -> Select[Any]:
    """Read the server's time."""
    return select(func.now())


def load() -> ReturningInsert[Any]:
    """Insert conversations, their messages already counted, and return those that were not there."""
    sent = _sent()
    values = {
        "user_id": sent.c.owner,
        "id": sent.c.chat,
        "title": sent.c.heading,
        "last_position": sent.c.how_many,
        "message_count": sent.c.how_many,
        "created_at": sent.c.began,
        "updated_at": sent.c.moved,
        "archived_at": sent.c.hidden,
        "metadata": cast(sent.c.notes, JSONB),
    }
    return (
        insert(Conversation)
        .from_select(list(values), select(*values.values()), include_defaults=False)
        .on_conflict_do_nothing(index_elements=[conversations.c.user_id, conversations.c.id])
        .returning(conversations.c.user_id, conversations.c.id)
    )


def quiet_drafts() -> Select[Any]:
    """Read the drafts to which nothing was added for some seconds, after one of them, in the order of their key."""
    has_become_message = exists(
        select(messages.c.id).where(messages.c.user_id == drafts.c.user_id, messages.c.id == drafts.c.id)
    )
    key = (drafts.c.user_id, drafts.c.conversation_id, drafts.c.id)
    return (
        select(*DRAFT_COLUMNS)
        .where(tuple_(*key) > tuple_(owner_after, chat, message_after))
        .group_by(*key)
        .having(
            func.min(drafts.c.part) == literal_column("1"),
            extract("epoch", func.now() - func.max(drafts.c.created_at)) >= seconds,
            # Here, and not among the rows, where it would be a join of all drafts with all messages.
            ~has_become_message,
        )
        .order_by(*key)
        .limit(how_many)
    )


def orphans(
    users_table: str = "users",
    users_column: str = "id",
    users_schema: str | None = None,
    type_: UserIdType = "text",
    schema: str | None = None,
) -> Select[Any]:
    """Read the first users who have a conversation and are not in a host's table, and how many there are."""
    ours = table(Conversation.__tablename__, column("user_id", Text), schema=schema)
    key: ColumnElement[Any] = literal_column(KEYS[type_])
    owners = select(ours.c.user_id, key.label("key")).distinct().subquery("owners")
    theirs = table(users_table, column(users_column), schema=users_schema)
    # A collation of the host's own would leave PostgreSQL none to compare by.
    wanted = collate(owners.c.key, "C") if type_ == "text" else owners.c.key
    return (
        select(owners.c.user_id, func.count().over())
        .where(~exists(select(theirs.c[users_column]).where(theirs.c[users_column] == wanted)))
        .order_by(owners.c.user_id)
        .limit(MAX_ORPHANS)
    )


def _sent() -> TableValuedAlias:
    return (
        func.unnest(
            owner_array,
            chat_array,
            heading_array,
            how_many_array,
            began_array,
            moved_array,
            hidden_array,
            notes_array,
        )
        .table_valued(
            column("owner", Text),
            column("chat", Uuid),
            column("heading", Text),
            column("how_many", Integer),
            column("began", TIMESTAMP(timezone=True)),
            column("moved", TIMESTAMP(timezone=True)),
            column("hidden", TIMESTAMP(timezone=True)),
            column("notes", Text),
        )
        .render_derived(name="sent")
    )
