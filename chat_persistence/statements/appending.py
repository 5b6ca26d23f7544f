"""The append: ownership, repeated ids, positions, counters, time, title and the messages, in one statement.

    sent     the new messages, as arrays, with their places in the batch
    stored   those ids that this user has stored already, in whatever conversation
    taken    the conversation's row, moved on by as many positions; none when something was stored,
             the conversation is absent, or it is not at the expected position, or a key of its metadata
             is to be swapped and is not as expected
    in_force the key that encrypted the messages, when one did; nothing is taken without it
    added    the messages, with the positions that were taken and the time that the row has now
    cleared  the parts of the draft that becomes the message, if it is one: deleted

The answer is `added` or `stored`, and one more row, of nulls, when somebody follows the conversation.

Two equal sends may both find `stored` empty, since NOT EXISTS reads the snapshot of the statement's start: the loser
then gets 23505 from the unique key on `(id, user_id)`, or no row at all with an expected position, and is right after
one more run.
"""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    cast,
    column,
    delete,
    exists,
    func,
    insert,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.expression import TableValuedAlias

from chat_persistence.models import Conversation, DraftPart, Message
from chat_persistence.statements import conversations as conversation_statements
from chat_persistence.statements import drafts as draft_statements
from chat_persistence.statements import messages as message_statements
from chat_persistence.statements import swapping, user_keys
from chat_persistence.statements.arguments import (
    chat,
    content_array,
    heading,
    how_many,
    id_array,
    native_array,
    notes_array,
    owner,
    role_array,
    token_count_array,
    tool_calls_array,
)

conversations = conversation_statements.conversations
messages = message_statements.messages


def append() -> CompoundSelect[Any]:
    """Append to a conversation that is there."""
    stored = _stored()
    return _append(stored, _taken_by_update(stored))


def append_or_create() -> CompoundSelect[Any]:
    """Append to a conversation, which is created when it is not there; it may be expected at position 0 only.

    At any other one, nothing is to be created: should it be deleted meanwhile, this would.
    """
    stored = _stored()
    return _append(stored, _taken_by_upsert(stored))


def append_sealed() -> CompoundSelect[Any]:
    """Append what was encrypted with the owner's key to a conversation that is there, if that key is still in force."""
    stored = _stored()
    return _append(stored, _taken_by_update(stored, _has_key()))


def append_sealed_or_create() -> CompoundSelect[Any]:
    """Append what was encrypted as `append_or_create` does, if the owner's key is still in force."""
    stored = _stored()
    return _append(stored, _taken_by_upsert(stored, _has_key()))


def append_and_swap() -> CompoundSelect[Any]:
    """Append to a conversation that is there, and swap a key of its metadata, or neither."""
    stored = _stored()
    return _append(stored, _taken_by_update(stored, swaps=True))


def append_or_create_and_swap() -> CompoundSelect[Any]:
    """Append as `append_or_create` does, and swap a key, or neither; a conversation is created with it.

    With a guard, nothing is to be created: should the conversation be deleted meanwhile, this would.
    """
    stored = _stored()
    return _append(stored, _taken_by_upsert(stored, swaps=True))


def append_sealed_and_swap() -> CompoundSelect[Any]:
    """Append what was encrypted, and swap a key, if the owner's key is still in force."""
    stored = _stored()
    return _append(stored, _taken_by_update(stored, _has_key(), swaps=True))


def append_sealed_or_create_and_swap() -> CompoundSelect[Any]:
    """Append what was encrypted as `append_or_create_and_swap` does, if the owner's key is still in force."""
    stored = _stored()
    return _append(stored, _taken_by_upsert(stored, _has_key(), swaps=True))


def append_and_clear() -> CompoundSelect[Any]:
    """Append to a conversation that is there what was a draft: it becomes its message, or stays, and never both."""
    return append().add_cte(_cleared())


def append_sealed_and_clear() -> CompoundSelect[Any]:
    """Append what was a draft, and was encrypted, if the owner's key is still in force."""
    return append_sealed().add_cte(_cleared())


def _has_key() -> ColumnElement[bool]:
    return exists(select(user_keys.in_force().c.user_id))


def _cleared() -> CTE:
    drafts = draft_statements.drafts
    return delete(DraftPart).where(draft_statements.of_chat(), drafts.c.id == any_(id_array)).cte("cleared")


def _stored() -> CTE:
    return (
        select(*message_statements.COLUMNS)
        .where(message_statements.owned(), messages.c.id == any_(id_array))
        .cte("stored")
    )


def _taken_by_update(stored: CTE, *conditions: ColumnElement[bool], swaps: bool = False) -> CTE:
    swapped = {conversations.c.metadata: swapping.WITH_KEY} if swaps else {}
    return (
        update(Conversation)
        .where(
            conversation_statements.is_chat(),
            conversation_statements.is_at_expected(),
            ~exists(select(stored.c.id)),
            *conditions,
            *_guards(swaps=swaps),
        )
        .values(
            {
                conversations.c.last_position: conversations.c.last_position + how_many,
                conversations.c.message_count: conversations.c.message_count + how_many,
                conversations.c.updated_at: conversation_statements.NOW_OR_LATER,
                conversations.c.title: func.coalesce(conversations.c.title, heading),
                **swapped,
            }
        )
        .returning(conversations.c.last_position, conversations.c.updated_at, conversations.c.followed_until)
        .cte("taken")
    )


def _taken_by_upsert(stored: CTE, *conditions: ColumnElement[bool], swaps: bool = False) -> CTE:
    row: dict[str, ColumnElement[Any]] = {
        "user_id": owner,
        "id": chat,
        "title": heading,
        "last_position": how_many,
        "message_count": how_many,
        **({"metadata": swapping.KEY_ALONE} if swaps else {}),
    }
    statement = upsert(Conversation).from_select(
        list(row),
        select(*row.values()).where(~exists(select(stored.c.id)), *conditions),
        include_defaults=False,
    )
    new = statement.excluded
    return (
        statement.on_conflict_do_update(
            index_elements=[conversations.c.user_id, conversations.c.id],
            set_={
                "last_position": conversations.c.last_position + new.last_position,
                "message_count": conversations.c.message_count + new.message_count,
                # Citus refuses now() here; the default of the refused row is the same moment.
                "updated_at": func.greatest(conversations.c.updated_at, new.updated_at),
                "title": func.coalesce(conversations.c.title, new.title),
                # As it stands in the refused row: the function that makes it is not immutable, which Citus asks for.
                **({"metadata": conversations.c.metadata + new["metadata"]} if swaps else {}),
            },
            where=and_(conversation_statements.is_at_expected(), *_guards(swaps=swaps)),
        )
        .returning(conversations.c.last_position, conversations.c.updated_at, conversations.c.followed_until)
        .cte("taken")
    )


def _guards(*, swaps: bool) -> tuple[ColumnElement[bool], ...]:
    return (swapping.is_as_guarded(),) if swaps else ()


def _append(stored: CTE, taken: CTE) -> CompoundSelect[Any]:
    added = _added(_sent(), taken)
    return union_all(select(*added.c), select(*stored.c), _followed(taken))


def _followed(taken: CTE) -> Select[Any]:
    nulls: list[ColumnElement[Any]] = [null() for _ in message_statements.COLUMNS]
    return select(*nulls).select_from(taken).where(taken.c.followed_until > func.now())


def _sent() -> TableValuedAlias:
    return (
        func.unnest(
            id_array,
            role_array,
            content_array,
            tool_calls_array,
            native_array,
            notes_array,
            token_count_array,
        )
        .table_valued(
            column("id", Uuid),
            column("role", Text),
            column("content", Text),
            column("tool_calls", Text),
            column("native", Text),
            column("notes", Text),
            column("token_count", Integer),
            with_ordinality="nth",
        )
        .render_derived(name="sent")
    )


def _added(sent: TableValuedAlias, taken: CTE) -> CTE:
    values: dict[str, ColumnElement[Any]] = {
        "conversation_id": chat,
        "user_id": owner,
        "position": taken.c.last_position - how_many + cast(sent.c.nth, Integer),
        "id": sent.c.id,
        "role": sent.c.role,
        "content": sent.c.content,
        "tool_calls": cast(sent.c.tool_calls, JSONB),
        "native": cast(sent.c.native, JSON),
        "metadata": cast(sent.c.notes, JSONB),
        "token_count": sent.c.token_count,
        # Not now(): a transaction that began first may append last.
        "created_at": taken.c.updated_at,
    }
    return (
        insert(Message)
        .from_select(list(values), select(*values.values()).select_from(taken, sent), include_defaults=False)
        .returning(*message_statements.COLUMNS)
        .cte("added")
    )
