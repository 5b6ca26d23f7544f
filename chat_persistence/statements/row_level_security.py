"""What a transaction tells PostgreSQL's policies, and what a store asks about them."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    any_,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, OID

from chat_persistence.statements.arguments import owner

USER_SETTING = "chat_persistence.user_id"
"""The user of the transaction; a connection that once had one keeps it as an empty string."""

USER_POLICY = "chat_persistence_user"

table_array = bindparam("table_array", type_=ARRAY(Text()))

_classes = table(
    "pg_class",
    *map(column, ("oid", "relowner", "relrowsecurity", "relforcerowsecurity")),
    schema="pg_catalog",
)
_policies = table(
    "pg_policy",
    *map(column, ("polrelid", "polname", "polpermissive")),
    column("polroles", ARRAY(OID)),
    schema="pg_catalog",
)
_roles = table("pg_roles", *map(column, ("oid", "rolname", "rolsuper", "rolbypassrls")), schema="pg_catalog")


def set_user() -> Select[Any]:
    """Name the user of this transaction, until it ends."""
    return select(func.set_config(USER_SETTING, owner, true()))


def binding() -> Select[Any]:
    """Read of each of our tables what would leave the current role unbound: nothing but false is as it should be."""
    ours = (
        _classes.c.relrowsecurity & _classes.c.relforcerowsecurity & exists(_policy(_policies.c.polname == USER_POLICY))
    )
    return (
        select(
            _roles.c.rolsuper,
            _roles.c.rolbypassrls,
            func.pg_has_role(func.current_user(), _classes.c.relowner, "MEMBER"),
            ~ours,
            exists(_policy(_policies.c.polname != USER_POLICY, _applies())),
        )
        .join_from(_classes, _roles, _roles.c.rolname == func.current_user())
        .where(_classes.c.oid.in_(select(func.to_regclass(func.unnest(table_array)))))
    )


def _policy(*conditions: ColumnElement[bool]) -> Select[Any]:
    # Permissive ones are joined by OR: any of them opens what another closes.
    return select(_policies.c.polname).where(
        _policies.c.polrelid == _classes.c.oid, _policies.c.polpermissive, *conditions
    )


def _applies() -> ColumnElement[bool]:
    policys = any_(_policies.c.polroles)
    ones_own = _roles.alias("ones_own")
    is_ones_own = func.pg_has_role(func.current_user(), ones_own.c.oid, "USAGE")
    for_everybody = literal_column("0") == policys
    return or_(for_everybody, exists(select(ones_own.c.oid).where(ones_own.c.oid == policys, is_ones_own)))
