"""Finding the users who have conversations and are missing in their host's table."""

from typing import Any

from sqlalchemy import Connection, Select

from chat_persistence.errors import OrphanedConversations
from chat_persistence.foreign_keys import Users
from chat_persistence.statements import across_users
from chat_persistence.statements.user_links import UserIdType


def refuse_orphans(connection: Connection, users: Users, type_: UserIdType, schema: str | None) -> None:
    """Raise `OrphanedConversations` when there is one."""
    rows = connection.execute(listing(users, type_, schema)).all()
    if rows:
        raise OrphanedConversations(tuple(row[0] for row in rows), rows[0][1])


def listing(users: Users, type_: UserIdType, schema: str | None) -> Select[Any]:
    """Return the statement that lists the first of them, and says beside each how many there are."""
    return across_users.orphans(users.table, users.column, users.schema, type_, schema)
