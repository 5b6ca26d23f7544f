"""The commands that link conversations to a host's users."""

import typer

from chat_persistence import user_links
from chat_persistence.cli.database import on_engine
from chat_persistence.cli.output import results
from chat_persistence.errors import OrphanedConversations
from chat_persistence.foreign_keys import OnDelete
from chat_persistence.statements.user_links import UserIdType


def link(url: str, table: str, column: str, user_schema: str | None, on_delete: OnDelete, schema: str | None) -> None:
    """Add the foreign key, or list the users who are missing, one a line, and fail."""
    try:
        on_engine(
            url,
            lambda engine: user_links.link(
                engine, table, column, user_schema=user_schema, on_delete=on_delete, schema=schema
            ),
        )
    except OrphanedConversations as error:
        for user_id in error.user_ids:
            results().print(user_id)
        raise
    results().print("conversations are linked to your users")


def link_sql(
    table: str, column: str, type: UserIdType, user_schema: str | None, on_delete: OnDelete, schema: str | None
) -> None:
    """Print the SQL that adds the foreign key."""
    script = user_links.link_sql(table, column, type=type, user_schema=user_schema, on_delete=on_delete, schema=schema)
    typer.echo(script, nl=False)


def unlink(url: str, schema: str | None) -> None:
    """Take the foreign key away."""
    on_engine(url, lambda engine: user_links.unlink(engine, schema=schema))
    results().print("conversations are not linked to your users any more")


def unlink_sql(schema: str | None) -> None:
    """Print the SQL that takes it away."""
    typer.echo(user_links.unlink_sql(schema=schema), nl=False)
