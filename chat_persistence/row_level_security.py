"""Switching row-level security on and off: an operator's act, which a store then relies on or does without.

A store opened with `row_level_security=True` tells PostgreSQL the user of every transaction. Here the tables are
made to ask for it, which is a choice of whoever runs the database and no revision of the schema: later upgrades,
and a downgrade, leave it as it is, for as long as the tables live.
"""

from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import policies, schema_changes
from chat_persistence.errors import ConfigurationError
from chat_persistence.validation import check_name

_REFUSALS = {
    "42501": "this role may not create roles, or does not own the tables: let one that may run what"
    " `chat-persistence row-level-security enable --sql` prints, or create the roles first",
    "42939": "PostgreSQL keeps this role's name for itself: choose another",
    policies.CANNOT_BE_BOUND: "no policy binds a superuser, a role with BYPASSRLS, or one that can be the"
    " tables' owner: choose another role for the application",
}


async def enable(
    engine: AsyncEngine,
    role: str,
    *,
    maintenance_role: str | None = None,
    append_only: bool = False,
    schema: str | None = None,
) -> None:
    """Bind every role to one user's rows at a time, and leave `role` only the rights that a chatbot needs.

    Both roles are created, without login, when they are not there: grant them to those that log in. `role` reads
    and appends messages, and cannot change or delete one; it deletes conversations, with all that is in them,
    unless `append_only`. `maintenance_role` is not bound: it rewinds, erases and lists users. All of it is one
    transaction, which may be run again, with other roles too.

    Raise `ConfigurationError` when this role may not, or `role` is one that no policy binds; `SchemaMismatch`
    when the tables are not of this version; and what `migrations.upgrade` raises when they are in use.
    """
    await _run(engine, _enable(role, maintenance_role, schema, append_only=append_only))


async def disable(engine: AsyncEngine, *, schema: str | None = None) -> None:
    """Take the policies away again; the roles and their grants stay. Raise what `enable` raises."""
    await _run(engine, policies.disable(schema))


def enable_sql(
    role: str,
    *,
    maintenance_role: str | None = None,
    append_only: bool = False,
    schema: str | None = None,
) -> str:
    """Return the SQL of `enable`, for somebody else to run."""
    return schema_changes.script(_enable(role, maintenance_role, schema, append_only=append_only))


def disable_sql(*, schema: str | None = None) -> str:
    """Return the SQL of `disable`, for somebody else to run."""
    return schema_changes.script(policies.disable(schema))


def _enable(role: str, maintenance_role: str | None, schema: str | None, *, append_only: bool) -> list[str]:
    check_name(role, "role")
    if maintenance_role is not None and check_name(maintenance_role, "maintenance_role") == role:
        raise ConfigurationError("the application's role cannot be the maintenance role: choose two")
    return policies.enable(role, maintenance_role, schema, append_only=append_only)


async def _run(engine: AsyncEngine, statements: list[str]) -> None:
    await schema_changes.run(engine, lambda connection: schema_changes.execute(connection, statements), _REFUSALS)
