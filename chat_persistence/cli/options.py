"""The options that several commands have."""

from typing import Annotated

import typer

URL_VARIABLES = ["CHAT_PERSISTENCE_DATABASE_URL", "DATABASE_URL"]
"""In the order in which the settings ask them, so that the command line and an application mean the same database."""

Url = Annotated[
    str | None,
    typer.Option(envvar=URL_VARIABLES, help="The database; `embedded` is the library's own server."),
]
Schema = Annotated[
    str | None,
    typer.Option(envvar="CHAT_PERSISTENCE_SCHEMA", help="The schema of the tables, when it is not the search path's."),
]
Language = Annotated[
    str,
    typer.Option(
        envvar="CHAT_PERSISTENCE_SEARCH_LANGUAGE",
        help="A text search configuration of PostgreSQL's, as the store has it.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def given(url: str | None) -> str:
    """Return the URL, or say how to give one."""
    if url is None:
        raise typer.BadParameter("no database: give --url, set DATABASE_URL (.env is not read), or say --url embedded")
    return url
