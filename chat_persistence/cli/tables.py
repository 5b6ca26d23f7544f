"""The commands on the tables: upgrade, downgrade, status."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import migrations
from chat_persistence.cli.database import on_engine
from chat_persistence.cli.outcome import SCHEMA_BEHIND
from chat_persistence.cli.output import print_json, results
from chat_persistence.migrations import MigrationStatus


def upgrade(url: str, schema: str | None, revision: str) -> None:
    """Bring the tables to a revision, and print what they are at then."""
    found = on_engine(url, lambda engine: _move(migrations.upgrade, engine, schema, revision))
    results().print(f"the tables are at {found.current}")


def upgrade_sql(schema: str | None, revision: str) -> None:
    """Print the SQL of an upgrade."""
    typer.echo(asyncio.run(migrations.upgrade_sql(schema, revision)), nl=False)


def downgrade(url: str, schema: str | None, revision: str) -> None:
    """Take the tables back to a revision, and print what they are at then."""
    found = on_engine(url, lambda engine: _move(migrations.downgrade, engine, schema, revision))
    results().print(f"the tables are at {found.current}" if found.current else "the tables are gone")


def status(url: str, schema: str | None, *, as_json: bool) -> None:
    """Print the revision that the tables have and the one they need; exits with 3 when they are not the same."""
    found = on_engine(url, lambda engine: migrations.status(engine, schema))
    if as_json:
        print_json(asdict(found) | {"is_current": found.is_current})
    else:
        results().print(_tell(found))
    if not found.is_current:
        raise typer.Exit(SCHEMA_BEHIND)


def _tell(found: MigrationStatus) -> str:
    if found.is_current:
        return f"the tables are at {found.current}, which is this version's"
    if found.is_newer:
        return f"the tables are at {found.current}, which is newer than this version: update chat-persistence"
    there = f"the tables are at {found.current}" if found.current else "there are no tables"
    return f"{there}, and this version needs {found.head}: run `chat-persistence upgrade`"


async def _move(
    migrate: Callable[[AsyncEngine, str | None, str], Awaitable[None]],
    engine: AsyncEngine,
    schema: str | None,
    revision: str,
) -> MigrationStatus:
    await migrate(engine, schema, revision)
    return await migrations.status(engine, schema)
