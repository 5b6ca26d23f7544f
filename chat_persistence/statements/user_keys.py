"""The statements on one user's key, as it is wrapped."""

from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, delete, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from chat_persistence.models import UserKey
from chat_persistence.statements.arguments import key_id, key_wrapped, may_be_elsewhere, owner, wrapped_by

user_keys = UserKey.__table__

COLUMNS: tuple[ColumnElement[Any], ...] = (user_keys.c.master_key_id, user_keys.c.wrapped_key)
"""The columns of a `WrappedKey`, in its order."""

ELSEWHERE = ""
"""The master key of a row that only says which key is in force: the key itself is kept elsewhere."""

KEY_ID: ColumnElement[Any] = func.substring(user_keys.c.wrapped_key, literal_column("1"), literal_column("8"))
"""What stays of a key when it is wrapped anew."""


def owned() -> ColumnElement[bool]:
    """Return the condition that every reference to the table carries."""
    return user_keys.c.user_id == owner


def in_force() -> CTE:
    """Return the owner's key as part of a statement, if it is still the one of that id, and keep it until the end.

    The lock waits for nobody who wraps the key anew; only for who destroys it, and the other way round.
    """
    return (
        select(user_keys.c.user_id)
        .where(owned(), key_id == KEY_ID)
        .with_for_update(read=True, key_share=True)
        .cte("in_force")
    )


def get() -> Select[Any]:
    """Read the owner's key."""
    return select(*COLUMNS).where(owned())


def create() -> ReturningInsert[Any]:
    """Keep a key for the owner, or return the one that there is: `DO NOTHING` would return no row."""
    statement = insert(UserKey).values(
        {
            user_keys.c.user_id: owner,
            user_keys.c.master_key_id: wrapped_by,
            user_keys.c.wrapped_key: key_wrapped,
        }
    )
    return statement.on_conflict_do_update(
        index_elements=[user_keys.c.user_id],
        set_={"master_key_id": user_keys.c.master_key_id},
    ).returning(*COLUMNS)


def remove() -> Select[Any]:
    """Destroy the owner's key, and return it as it was.

    A row that says of a key only that it is kept elsewhere stays, unless `may_be_elsewhere`: whoever does not know
    where, cannot destroy it there.
    """
    is_here = user_keys.c.master_key_id != literal_column(f"'{ELSEWHERE}'")
    gone = delete(UserKey).where(owned(), or_(may_be_elsewhere, is_here)).cte("gone")
    return select(*COLUMNS).where(owned()).add_cte(gone)
