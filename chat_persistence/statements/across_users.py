"""The statements of an operator, over all users: the one place where no owner is named."""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Text,
    Uuid,
    case,
    cast,
    collate,
    column,
    delete,
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
    chat_after,
    chat_array,
    heading_array,
    hidden_array,
    how_many,
    how_many_array,
    message_after,
    moment,
    moved_array,
    notes_array,
    of_active,
    of_archived,
    origin_array,
    origin_place_array,
    owner_after,
    owner_array,
    place_array,
    seconds,
)
from chat_persistence.statements.drafts import COLUMNS as DRAFT_COLUMNS
from chat_persistence.statements.drafts import drafts, messages
from chat_persistence.statements.lines import first_conversations, lines_of
from chat_persistence.statements.user_links import KEYS, UserIdType

MAX_ORPHANS = 20

MAX_MESSAGES = 5_000
"""With as many messages to delete a batch is full; the conversation that fills it is its last."""

conversations = Conversation.__table__

_key = tuple_(conversations.c.user_id, conversations.c.id)


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
        "last_position": sent.c.place,
        "message_count": sent.c.how_many,
        "created_at": sent.c.began,
        "updated_at": sent.c.moved,
        "archived_at": sent.c.hidden,
        "metadata": cast(sent.c.notes, JSONB),
        "forked_from": sent.c.origin,
        "forked_position": sent.c.origin_place,
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


def lines() -> Select[Any]:
    """Read the next conversations after one of a user's, as lines of JSON."""
    numbered = first_conversations(_next(select(conversations)))
    return lines_of(numbered, numbered.c.user_id)


def prune() -> Select[Any]:
    """Delete those of the next conversations that are old enough; return the last key and how many rows went.

    One that was changed meanwhile is looked at again, under its lock.
    """
    batch = _batch_to_prune()
    old = select(batch.c.user_id, batch.c.id).where(batch.c.is_old)
    gone = (
        delete(Conversation)
        .where(_key.in_(old), _is_old())
        .returning(conversations.c.archived_at, conversations.c.message_count)
        .cte("gone")
    )
    return _told(batch, gone)


def prunable() -> Select[Any]:
    """Count what `prune` would delete."""
    batch = _batch_to_prune()
    old = select(batch.c.archived_at, batch.c.message_count).where(batch.c.is_old).cte("old")
    return _told(batch, old)


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


def _next(some: Select[Any]) -> Select[Any]:
    return (
        some.where(_key > tuple_(owner_after, chat_after))
        .order_by(conversations.c.user_id, conversations.c.id)
        .limit(how_many)
    )


def _is_old() -> ColumnElement[bool]:
    is_archived = conversations.c.archived_at.is_not(None)
    return (conversations.c.updated_at < moment) & case((is_archived, of_archived), else_=of_active)


def _batch_to_prune() -> CTE:
    next_ = _next(
        select(
            conversations.c.user_id,
            conversations.c.id,
            conversations.c.archived_at,
            conversations.c.message_count,
            _is_old().label("is_old"),
        )
    ).cte("next")
    messages = case((next_.c.is_old, next_.c.message_count), else_=0)
    preceding = func.sum(messages).over(order_by=(next_.c.user_id, next_.c.id)) - messages
    numbered = select(next_, preceding.label("preceding")).subquery("numbered")
    return select(numbered).where(numbered.c.preceding < MAX_MESSAGES).cte("batch")


def _told(batch: CTE, counted: CTE) -> Select[Any]:
    last = (
        select(batch.c.user_id, batch.c.id)
        .order_by(batch.c.user_id.desc(), batch.c.id.desc())
        .limit(1)
        .subquery("last")
    )
    examined = select(func.count()).select_from(batch).scalar_subquery()
    archived = func.count(counted.c.archived_at)
    messages = func.coalesce(func.sum(counted.c.message_count), 0)
    counts = select(func.count() - archived, archived, messages).select_from(counted).subquery("counts")
    return select(last, examined, counts)


def _sent() -> TableValuedAlias:
    return (
        func.unnest(
            owner_array,
            chat_array,
            heading_array,
            how_many_array,
            place_array,
            began_array,
            moved_array,
            hidden_array,
            notes_array,
            origin_array,
            origin_place_array,
        )
        .table_valued(
            column("owner", Text),
            column("chat", Uuid),
            column("heading", Text),
            column("how_many", Integer),
            column("place", Integer),
            column("began", TIMESTAMP(timezone=True)),
            column("moved", TIMESTAMP(timezone=True)),
            column("hidden", TIMESTAMP(timezone=True)),
            column("notes", Text),
            column("origin", Uuid),
            column("origin_place", Integer),
        )
        .render_derived(name="sent")
    )
