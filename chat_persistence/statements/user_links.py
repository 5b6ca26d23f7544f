"""What PostgreSQL's catalogs know of a host's users, and of the foreign key to them."""

from typing import Any, Literal

from sqlalchemy import Select, SmallInteger, String, Text, and_, any_, bindparam, case, column, func, select, table
from sqlalchemy.dialects.postgresql import ARRAY

UserIdType = Literal["text", "uuid", "bigint"]
"""How users are numbered; `text` stands for varchar too, and `bigint` for every integer."""

KEYS: dict[UserIdType, str] = {
    "text": "user_id",
    "uuid": "CASE WHEN user_id ~ '^[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}$'"
    " THEN CAST(user_id AS uuid) END",
    "bigint": "CASE WHEN user_id ~ '^(0|-?[1-9][0-9]{0,18})$' THEN"
    " CASE WHEN CAST(user_id AS numeric) BETWEEN -9223372036854775808 AND 9223372036854775807"
    " THEN CAST(user_id AS bigint) END END",
}
"""A conversation's `user_id` as the host's users are numbered, or null where it can be none of theirs."""

FOREIGN_KEY = "fk_conversations_user"

users_name = bindparam("users_name", type_=Text())
users_column = bindparam("users_column", type_=Text())
conversations_name = bindparam("conversations_name", type_=Text())
own_column = bindparam("own_column", type_=Text())
delete_action = bindparam("delete_action", type_=Text())

_attributes = table(
    "pg_attribute",
    *map(column, ("attrelid", "attnum", "atttypid", "attisdropped")),
    column("attname", String()),
    schema="pg_catalog",
)
_types = table(
    "pg_type", *map(column, ("oid", "typtype", "typbasetype")), column("typname", String()), schema="pg_catalog"
)
_constraints = table(
    "pg_constraint",
    *map(column, ("conrelid", "confrelid", "convalidated")),
    column("conname", String()),
    column("confdeltype", String()),
    column("conkey", ARRAY(SmallInteger)),
    column("confkey", ARRAY(SmallInteger)),
    schema="pg_catalog",
)


def users_type() -> Select[Any]:
    """Read the name of the type of the host's column, or that beneath a domain; no row when there is no column."""
    base = _types.alias("base")
    return (
        select(base.c.typname)
        .join_from(_attributes, _types, _types.c.oid == _attributes.c.atttypid)
        .join(base, base.c.oid == case((_types.c.typtype == "d", _types.c.typbasetype), else_=_types.c.oid))
        .where(
            _attributes.c.attrelid == func.to_regclass(users_name),
            _attributes.c.attname == users_column,
            _attributes.c.attnum > 0,
        )
    )


def foreign_key() -> Select[Any]:
    """Read whether the foreign key is the one asked for, and whether it was validated; no row when there is none."""
    own, users = _attributes.alias("own"), _attributes.alias("users")
    is_same = and_(
        _constraints.c.confrelid == func.to_regclass(users_name),
        users.c.attname == users_column,
        own.c.attname == own_column,
        _constraints.c.confdeltype == delete_action,
    )
    return (
        select(is_same, _constraints.c.convalidated)
        .join_from(
            _constraints,
            own,
            and_(own.c.attrelid == _constraints.c.conrelid, own.c.attnum == any_(_constraints.c.conkey)),
        )
        .join(users, and_(users.c.attrelid == _constraints.c.confrelid, users.c.attnum == any_(_constraints.c.confkey)))
        .where(
            _constraints.c.conrelid == func.to_regclass(conversations_name),
            _constraints.c.conname == FOREIGN_KEY,
        )
    )
