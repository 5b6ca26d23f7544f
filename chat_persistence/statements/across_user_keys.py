"""The statements of an operator on the keys of all users: with `across_users`, where no owner is named."""

from typing import Any

from sqlalchemy import Cast, LargeBinary, Select, Text, column, func, select, update
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.expression import TableValuedAlias

from chat_persistence.models import UserKey
from chat_persistence.statements.arguments import (
    how_many,
    key_id_array,
    key_seen_array,
    key_wrapped_array,
    owner_after,
    owner_array,
    wrapped_by,
)
from chat_persistence.statements.user_keys import COLUMNS, KEY_ID, user_keys


def page() -> Select[Any]:
    """Read keys after those of a user, in the order of the users' bytes."""
    return (
        select(user_keys.c.user_id, *COLUMNS)
        .where(user_keys.c.user_id > owner_after)
        .order_by(user_keys.c.user_id)
        .limit(how_many)
    )


def wrap_anew() -> ReturningUpdate[Any]:
    """Exchange keys for the same ones wrapped by another master key, where they are as they were seen."""
    sent = _sent(key_seen_array, "seen", (key_wrapped_array, "wrapped"))
    return (
        update(UserKey)
        .where(user_keys.c.user_id == sent.c.owner, user_keys.c.wrapped_key == sent.c.seen)
        .values({user_keys.c.master_key_id: wrapped_by, user_keys.c.wrapped_key: sent.c.wrapped})
        .returning(user_keys.c.user_id)
    )


def in_force() -> Select[Any]:
    """Read whose keys are still those of some ids, and keep them until the transaction ends."""
    sent = _sent(key_id_array, "key_id")
    return (
        select(user_keys.c.user_id)
        .join(sent, user_keys.c.user_id == sent.c.owner)
        .where(sent.c.key_id == KEY_ID)
        .order_by(user_keys.c.user_id)
        .with_for_update(read=True, key_share=True, of=UserKey)
    )


def _sent(first: Cast[Any], name: str, *others: tuple[Cast[Any], str]) -> TableValuedAlias:
    arrays = [first, *(array for array, _ in others)]
    columns = [column(each, LargeBinary) for each in (name, *(other for _, other in others))]
    return func.unnest(owner_array, *arrays).table_valued(column("owner", Text), *columns).render_derived(name="sent")
