"""Row-level security as DDL: what is said to PostgreSQL to bind a role to its users' rows.

Every name in it is a quoted identifier, and nothing else in it was given by anybody. The rule is an expression and
not a function: it goes with its table, and has neither an owner nor a search path. Without a user it asks for a
setting of a name that none can have, which PostgreSQL refuses and quotes.

So a forgotten user is an error as soon as there is a row to hide, also on a connection that had one before, where the
setting is an empty string. Only a scan that meets no row, or that a cheaper condition leaves none, finds none.
"""

from chat_persistence.migrations import QUEUE_UP, VERSION_TABLE
from chat_persistence.models import Base, Conversation, DraftPart, UserKey
from chat_persistence.names import identifier, qualified
from chat_persistence.statements.row_level_security import USER_POLICY, USER_SETTING

MAINTENANCE_POLICY = "chat_persistence_maintenance"

CHANGEABLE = ("title", "last_position", "message_count", "updated_at", "archived_at", "metadata", "followed_until")
"""The columns of a conversation that change; those of a message never do. When a revision adds one, enable again."""

REWRAPPED = ("master_key_id", "wrapped_key")
"""The columns of a user's key that change with the master key."""

CANNOT_BE_BOUND = "0P000"
"""invalid_role_specification: no policy binds a superuser, a role with BYPASSRLS, or one that may change the tables."""

TABLES = tuple(table.name for table in Base.metadata.sorted_tables)

# The subquery has it evaluated once a statement, not once a row.
_IS_USERS = f"""user_id = (SELECT coalesce(
        nullif(current_setting('{USER_SETTING}', true), ''),
        current_setting('{USER_SETTING} is not set')
    ))"""


def enable(role: str, maintenance_role: str | None, schema: str | None, *, append_only: bool) -> list[str]:
    """Return what binds `role` to the rows of one user at a time, and leaves `maintenance_role` free."""
    return [
        *_begin(schema),
        _create_role(role),
        _refuse_unbound(role),
        *_grant_to_application(identifier(role), append_only=append_only),
        *(statement for table in TABLES for statement in _bind(table)),
        *([] if maintenance_role is None else _leave_free(maintenance_role)),
    ]


def disable(schema: str | None) -> list[str]:
    """Return what takes the policies away; roles and their grants stay."""
    return [*_begin(schema), *(statement for table in TABLES for statement in _unbind(table))]


def _begin(schema: str | None) -> list[str]:
    # From here on every name means our own schema; without our version table in it, nobody's tables are touched.
    settle = "SELECT set_config('search_path', relnamespace::regnamespace::text, true) FROM pg_class WHERE oid ="
    return [*QUEUE_UP, f"{settle} {_literal(qualified(VERSION_TABLE, schema))}::regclass"]


def _create_role(role: str) -> str:
    # Roles are the whole server's, the queue is one database's: another's may have made it meanwhile.
    return _do(
        f"""BEGIN
    IF to_regrole({_literal(identifier(role))}) IS NULL THEN
        CREATE ROLE {identifier(role)} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END"""
    )


def _refuse_unbound(role: str) -> str:
    # A superuser is a member of every role.
    return _do(
        f"""BEGIN
    IF (SELECT rolbypassrls OR pg_has_role(pg_roles.oid, relowner, 'MEMBER')
        FROM pg_roles, pg_class
        WHERE rolname = {_literal(role)} AND pg_class.oid = '{Conversation.__tablename__}'::regclass)
    THEN
        RAISE invalid_role_specification USING MESSAGE = 'no policy binds this role';
    END IF;
END"""  # noqa: S608 (a literal, quoted)
    )


def _grant_to_application(role: str, *, append_only: bool) -> list[str]:
    conversations, drafts, user_keys = (model.__tablename__ for model in (Conversation, DraftPart, UserKey))
    return [
        f"REVOKE ALL ON {', '.join(TABLES)} FROM {role}",
        _grant_schema(role),
        f"GRANT SELECT ON {VERSION_TABLE} TO {role}",
        f"GRANT SELECT, INSERT ON {', '.join(TABLES)} TO {role}",
        f"GRANT UPDATE ({', '.join(CHANGEABLE)}) ON {conversations} TO {role}",
        f"GRANT UPDATE ({', '.join(REWRAPPED)}) ON {user_keys} TO {role}",
        f"GRANT DELETE ON {drafts} TO {role}",
        *([] if append_only else [f"GRANT DELETE ON {conversations}, {user_keys} TO {role}"]),
    ]


def _bind(table: str) -> list[str]:
    return [
        *_drop_policies(table),
        f"CREATE POLICY {USER_POLICY} ON {table} USING ({_IS_USERS})",  # and so is what is written
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    ]


def _unbind(table: str) -> list[str]:
    return [
        *_drop_policies(table),
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ]


def _drop_policies(table: str) -> list[str]:
    return [f"DROP POLICY IF EXISTS {policy} ON {table}" for policy in (USER_POLICY, MAINTENANCE_POLICY)]


def _leave_free(role: str) -> list[str]:
    name = identifier(role)
    return [
        _create_role(role),
        _grant_schema(name),
        f"GRANT SELECT ON {VERSION_TABLE} TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {name}",
        *(f"CREATE POLICY {MAINTENANCE_POLICY} ON {table} TO {name} USING (true)" for table in TABLES),
    ]


def _grant_schema(role: str) -> str:
    grant = f"'GRANT USAGE ON SCHEMA ' || quote_ident(current_schema()) || {_literal(f' TO {role}')}"
    return _do(f"BEGIN EXECUTE {grant}; END")


def _do(body: str) -> str:
    # A dollar quote could be ended by a name.
    return f"DO {_literal(body)}"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
