"""Linking conversations to a host's own users: an operator's act, by a foreign key that a host may want.

Without it `user_id` is any id of the host's. With it PostgreSQL refuses a conversation of nobody, and removes what a
user has when the user is removed. It is a choice of whoever runs the database and no revision of the schema: later
upgrades leave it as it is, and a downgrade to `base` takes it away with the tables. For plain PostgreSQL: Citus lets a
distributed table point at a reference table only.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import foreign_keys, migrations, schema_changes
from chat_persistence.errors import ConfigurationError, DatabaseFailure
from chat_persistence.foreign_keys import OnDelete, Users, check_choice
from chat_persistence.migrations import QUEUE_UP
from chat_persistence.orphans import listing, refuse_orphans
from chat_persistence.statements import user_links as statements
from chat_persistence.statements.user_links import UserIdType
from chat_persistence.translation import USER_MISSING

TYPES: dict[str, UserIdType] = {
    "text": "text",
    "varchar": "text",
    "uuid": "uuid",
    "int2": "bigint",
    "int4": "bigint",
    "int8": "bigint",
}
"""By the names that PostgreSQL's catalog gives them."""

_ELSEWHERE = "conversations are linked otherwise: run `chat-persistence unlink-users` first"
_REFUSALS = {
    "42501": "this role does not own the tables, or has no REFERENCES on the users' table: let one that may run what"
    " `chat-persistence link-users --sql` prints",
    "42704": "row-level security binds this role: grant it the maintenance role for as long as it links",
    "42809": "that is no table: a foreign key cannot point at a view",
    "42830": "that column is no key: a foreign key needs a primary key or a unique constraint on it alone",
    "42P21": "that column's collation is not deterministic, and PostgreSQL links no other column to it",
}

_Result = TypeVar("_Result")


async def link(
    engine: AsyncEngine,
    table: str,
    column: str = "id",
    *,
    user_schema: str | None = None,
    on_delete: OnDelete = "cascade",
    schema: str | None = None,
) -> None:
    """Add the foreign key from conversations to that column of the host's users; linked already, do nothing.

    Two transactions, so that writes wait only for the first: it adds the key for all rows to come, the second holds it
    against those there are. Of users numbered by uuid or integer a generated column is made, for which the first
    rewrites `conversations`, and everybody waits. Run it again after an interruption.

    Raise `OrphanedConversations` when users who have conversations are missing; `ConfigurationError` when there is no
    such column, its type cannot be met, conversations are linked otherwise, or this role may not; `SchemaMismatch`
    when our tables are not of this version; and what `migrations.upgrade` raises when they are in use.
    """
    check_choice("text", on_delete)
    users = Users(table, column, user_schema)
    await migrations.check(engine, schema)
    type_ = await _run(engine, partial(_read_type, users))
    try:
        await _run(engine, partial(_add, users, type_, on_delete, schema))
        await _run(engine, partial(_validate, users, type_, on_delete, schema))
    except DatabaseFailure as failure:
        if failure.sqlstate not in USER_MISSING:
            raise
        refusal = failure
    else:
        return
    # They came between the look and the lock, or were there when an earlier run was broken off.
    await _run(engine, lambda connection: refuse_orphans(connection, users, type_, schema))
    raise refusal


async def unlink(engine: AsyncEngine, *, schema: str | None = None) -> None:
    """Take the foreign key away, and the generated column that it may have. Raise what `link` raises."""
    await migrations.check(engine, schema)
    await _run(engine, lambda connection: schema_changes.execute(connection, [*QUEUE_UP, *foreign_keys.drop(schema)]))


def link_sql(
    table: str,
    column: str = "id",
    *,
    type: UserIdType = "text",
    user_schema: str | None = None,
    on_delete: OnDelete = "cascade",
    schema: str | None = None,
) -> str:
    """Return the SQL of `link`, for somebody else to run: it begins by listing who is missing.

    `type` is the column's: text (or varchar), uuid, or bigint (or any integer).
    """
    check_choice(type, on_delete)
    users = Users(table, column, user_schema)
    dialect = make_url("postgresql+asyncpg://").get_dialect()()
    missing = listing(users, type, schema).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return (
        f"{missing};\n"
        + _script(foreign_keys.add(users, type, on_delete, schema))
        + _script([foreign_keys.validate(schema)])
    )


def unlink_sql(*, schema: str | None = None) -> str:
    """Return the SQL of `unlink`, for somebody else to run."""
    return _script(foreign_keys.drop(schema))


def _script(statements: list[str]) -> str:
    return schema_changes.script([*QUEUE_UP, *statements])


def _read_type(users: Users, connection: Connection) -> UserIdType:
    values = {"users_name": users.qualified, "users_column": users.column}
    found = connection.scalars(statements.users_type(), values).one_or_none()
    if found is None:
        raise ConfigurationError("there is no such column: name the table, the column and, if need be, the schema")
    if found not in TYPES:
        raise ConfigurationError(f"no foreign key leads to a column of type {found}: text, varchar, uuid or an integer")
    return TYPES[found]


def _add(users: Users, type_: UserIdType, on_delete: OnDelete, schema: str | None, connection: Connection) -> None:
    schema_changes.execute(connection, QUEUE_UP)
    if _is_validated(users, type_, on_delete, schema, connection) is None:
        refuse_orphans(connection, users, type_, schema)
        schema_changes.execute(connection, foreign_keys.add(users, type_, on_delete, schema))


def _validate(users: Users, type_: UserIdType, on_delete: OnDelete, schema: str | None, connection: Connection) -> None:
    schema_changes.execute(connection, QUEUE_UP)
    if not _is_validated(users, type_, on_delete, schema, connection):
        schema_changes.execute(connection, [foreign_keys.validate(schema)])


def _is_validated(
    users: Users, type_: UserIdType, on_delete: OnDelete, schema: str | None, connection: Connection
) -> bool | None:
    """Return whether the foreign key was validated, or None when there is none."""
    values = {
        "users_name": users.qualified,
        "users_column": users.column,
        "conversations_name": foreign_keys.conversations(schema),
        "own_column": foreign_keys.OWN_COLUMNS[type_],
        "delete_action": foreign_keys.DELETE_ACTIONS[on_delete],
    }
    rows = connection.execute(statements.foreign_key(), values).all()
    if not all(is_same for is_same, _ in rows):
        raise ConfigurationError(_ELSEWHERE)
    return rows[0][1] if rows else None


async def _run(engine: AsyncEngine, work: Callable[[Connection], _Result]) -> _Result:
    return await schema_changes.run(engine, work, _REFUSALS)
