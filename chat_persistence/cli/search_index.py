"""The commands on the index for search."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from chat_persistence import search_index
from chat_persistence.cli.database import on_engine
from chat_persistence.cli.output import notes, results
from chat_persistence.search_index import IndexProgress


def create(url: str, language: str, schema: str | None) -> None:
    """Create the index, or find it there."""
    with _bar() as on_progress:
        on_engine(url, lambda engine: search_index.create(engine, language, schema=schema, on_progress=on_progress))
    results().print(f"messages can be searched in the language {language}")


def create_sql(language: str, schema: str | None) -> None:
    """Print the SQL that creates it."""
    typer.echo(search_index.create_sql(language, schema=schema), nl=False)


def drop(url: str, language: str, schema: str | None) -> None:
    """Drop the index."""
    on_engine(url, lambda engine: search_index.drop(engine, language, schema=schema))
    results().print(f"messages cannot be searched in the language {language} any more")


def drop_sql(language: str, schema: str | None) -> None:
    """Print the SQL that drops it."""
    typer.echo(search_index.drop_sql(language, schema=schema), nl=False)


@contextmanager
def _bar() -> Iterator[Callable[[IndexProgress], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = notes()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("waiting in line", total=None)

        def show(progress: IndexProgress) -> None:
            waiting = " (waits for transactions of others to end)" if progress.is_waiting else ""
            total = progress.blocks_total or None
            bars.update(task, description=progress.phase + waiting, completed=progress.blocks_done, total=total)

        yield show
