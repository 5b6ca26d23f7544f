"""The commands that switch row-level security on and off."""

import typer

from chat_persistence import row_level_security
from chat_persistence.cli.database import on_engine
from chat_persistence.cli.output import results


def enable(url: str, role: str, maintenance_role: str | None, schema: str | None, *, append_only: bool) -> None:
    """Bind the role to one user's rows at a time, and say what is left to do."""
    on_engine(
        url,
        lambda engine: row_level_security.enable(
            engine, role, maintenance_role=maintenance_role, append_only=append_only, schema=schema
        ),
    )
    results().print(f"row-level security is on: grant {role} to the application's login, unless it is that")


def enable_sql(role: str, maintenance_role: str | None, schema: str | None, *, append_only: bool) -> None:
    """Print the SQL that binds the role."""
    script = row_level_security.enable_sql(
        role, maintenance_role=maintenance_role, append_only=append_only, schema=schema
    )
    typer.echo(script, nl=False)


def disable(url: str, schema: str | None) -> None:
    """Take the policies away, and say what stays."""
    on_engine(url, lambda engine: row_level_security.disable(engine, schema=schema))
    results().print("row-level security is off; roles and grants are as they were")


def disable_sql(schema: str | None) -> None:
    """Print the SQL that takes the policies away."""
    typer.echo(row_level_security.disable_sql(schema=schema), nl=False)
