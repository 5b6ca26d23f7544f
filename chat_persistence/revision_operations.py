"""What a revision of a host's own can do with our tables: it is given Alembic's `op`, and registers nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import DDL, Connection, Executable
from sqlalchemy.schema import ExecutableDDLElement

from chat_persistence import foreign_keys, gin_indexes
from chat_persistence.foreign_keys import OnDelete, check_choice, read_users
from chat_persistence.orphans import refuse_orphans
from chat_persistence.search_languages import DEFAULT_LANGUAGE
from chat_persistence.statements.user_links import UserIdType

_ddl: Callable[[str], ExecutableDDLElement] = DDL


class _Context(Protocol):
    @property
    def as_sql(self) -> bool: ...

    def autocommit_block(self) -> AbstractContextManager[None]: ...


class Operations(Protocol):
    """What is used of Alembic's `op`."""

    def get_context(self) -> _Context:
        """Return what knows whether the SQL is only printed."""

    def execute(self, sqltext: Executable | str) -> None:
        """Run a statement, or print it."""

    def get_bind(self) -> Connection:
        """Return the connection of the migration."""


def link_users(
    op: Operations,
    users: str,
    *,
    type: UserIdType = "text",
    on_delete: OnDelete = "cascade",
    schema: str | None = None,
    validate: bool = True,
) -> None:
    """Add the foreign key from our conversations to `users`, which is `table.column` or `schema.table.column`.

    All in the revision's own transaction, which blocks writes to both tables until it ends; where that is too long,
    leave out `validate` and say it in a later revision, `validate_users`. `type` is that of the column: text (or
    varchar), uuid or bigint (or any integer). Raise `OrphanedConversations` when users who have conversations are
    missing, unless the SQL is only printed.
    """
    check_choice(type, on_delete)
    key = read_users(users)
    if not op.get_context().as_sql:
        refuse_orphans(op.get_bind(), key, type, schema)
    for statement in foreign_keys.add(key, type, on_delete, schema):
        _execute(op, statement)
    if validate:
        validate_users(op, schema=schema)


def validate_users(op: Operations, *, schema: str | None = None) -> None:
    """Hold the foreign key against the rows there are; reads and writes go on meanwhile."""
    _execute(op, foreign_keys.validate(schema))


def unlink_users(op: Operations, *, schema: str | None = None) -> None:
    """Take the foreign key away, with the generated column that it may have."""
    for statement in foreign_keys.drop(schema):
        _execute(op, statement)


def create_search_index(op: Operations, language: str = DEFAULT_LANGUAGE, *, schema: str | None = None) -> None:
    """Create the index for `messages.search` in a language, beside reads and writes.

    It ends the revision's transaction and begins another: let it stand alone in its revision, which can be repeated,
    and clears away what a build that was broken off has left.
    """
    with op.get_context().autocommit_block():
        _execute(op, gin_indexes.drop(language, schema))
        _execute(op, gin_indexes.create(language, schema))


def drop_search_index(op: Operations, language: str = DEFAULT_LANGUAGE, *, schema: str | None = None) -> None:
    """Drop the index for search in a language, beside reads and writes, and alone in its revision."""
    with op.get_context().autocommit_block():
        _execute(op, gin_indexes.drop(language, schema))


def _execute(op: Operations, statement: str) -> None:
    op.execute(_ddl(statement.replace("%", "%%")))
