"""The commands that import: files of other formats, and tables of other libraries."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from chat_persistence import ChatStore, migrations
from chat_persistence.cli.database import open_database
from chat_persistence.cli.encryption import read_encryption
from chat_persistence.cli.output import notes, print_json, results
from chat_persistence.connection import read_url
from chat_persistence.transfer import (
    NDJSON,
    Chainlit,
    ChatGPTExport,
    ClaudeExport,
    FileSource,
    GoogleADK,
    ImportReport,
    LangChain,
    OpenAIAgents,
    OpenAIChat,
    ReadProgress,
    ShareGPT,
    TableSource,
    import_conversations,
)
from chat_persistence.transfer.importing import OnError, OnProgress
from chat_persistence.transfer.records import Format, Source
from chat_persistence.transfer.tables.source import Tables, UserOf

FileFormat = Literal["chatgpt", "claude", "ndjson", "openai", "sharegpt"]

OF_ONE_USER: dict[FileFormat, Callable[[str], Format]] = {
    "chatgpt": lambda user_id: ChatGPTExport(user_id=user_id),
    "claude": lambda user_id: ClaudeExport(user_id=user_id),
    "openai": lambda user_id: OpenAIChat(user_id=user_id),
    "sharegpt": lambda user_id: ShareGPT(user_id=user_id),
}

SHOWN = 20
"""Of more bad records, only `--json` lists more."""


Library = Literal["adk", "chainlit", "langchain", "openai-agents"]

USERS_OF_THEIR_OWN: dict[Library, Callable[[str | None], Tables]] = {
    "adk": lambda schema: GoogleADK(schema=schema),
    "chainlit": lambda schema: Chainlit(schema=schema),
}


def read_file(format: FileFormat, path: Path, user_id: str | None) -> Source:
    """Return a file as a source, whose conversations become this user's; those of our own export have their users."""
    if format == "ndjson":
        if user_id is not None:
            raise typer.BadParameter("an export names its users: give no --user")
        return FileSource(path, NDJSON())
    if user_id is None:
        raise typer.BadParameter(f"{format} names no users: give --user")
    return FileSource(path, OF_ONE_USER[format](user_id))


def tables_of(library: Library, user: UserOf | None, table: str | None, schema: str | None) -> Tables:
    """Return the tables of a library; where it knows no users, one must be given, or what finds one."""
    if library in USERS_OF_THEIR_OWN:
        if user is not None or table is not None:
            raise typer.BadParameter(f"{library} has users and names of its own: give no --user and no --table")
        return USERS_OF_THEIR_OWN[library](schema)
    if user is None:
        raise typer.BadParameter(f"{library} knows no users: give --user, or --user-pattern")
    names = {} if table is None else {"messages_table": table}
    if library == "langchain":
        return LangChain(user_id=user, schema=schema, **names)
    return OpenAIAgents(user_id=user, schema=schema, **names)


def user_by(pattern: str) -> Callable[[str], str | None]:
    """Return what finds a user in the key of a conversation: the first group of a regular expression."""
    try:
        search = re.compile(pattern).search
    except re.error:
        raise typer.BadParameter("--user-pattern is no regular expression") from None
    if not re.compile(pattern).groups:
        raise typer.BadParameter("--user-pattern needs a group: `([^:]+):` finds ada in ada:rome")
    return lambda key: found[1] if (found := search(key)) else None


def import_file(url: str, schema: str | None, source: Source, *, on_error: OnError, as_json: bool) -> None:
    """Import a file and print what it came to."""
    with open_database(url) as database:
        _tell_report(asyncio.run(_import(database.url, schema, source, on_error)), as_json=as_json)


def import_tables(
    url: str, schema: str | None, tables: Tables, from_url: str | None, *, on_error: OnError, as_json: bool
) -> None:
    """Import tables, of the same database when no other one is named, and print what it came to."""

    async def run(url: str) -> ImportReport:
        async with migrations.patient_engine(read_url(from_url or url)) as engine:
            return await _import(url, schema, TableSource(engine, tables), on_error)

    with open_database(url) as database:
        _tell_report(asyncio.run(run(database.url)), as_json=as_json)


async def _import(url: str, schema: str | None, source: Source, on_error: OnError) -> ImportReport:
    async with ChatStore(url, schema=schema, encryption=read_encryption()) as store:
        await store.check()
        with _progress() as tell:
            return await import_conversations(store, source, on_error=on_error, on_progress=tell)


def _tell_report(report: ImportReport, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """Yield what to tell after each batch: a bar on a terminal, a line elsewhere."""
    console = notes()
    if not console.is_terminal:
        yield lambda report, _: console.print(_tell(report))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("reading", total=None)

        def tell(report: ImportReport, read: ReadProgress) -> None:
            bars.update(task, description=_tell(report), completed=read.done, total=read.total)

        yield tell


def _tell(report: ImportReport) -> str:
    stored = f"{report.conversations_stored:,} conversations with {report.messages_stored:,} messages stored"
    return f"{stored}, {report.conversations_present:,} were there, {report.bad_count:,} bad records"


def _print(report: ImportReport) -> None:
    results().print(_tell(report))
    for record in report.bad[:SHOWN]:
        results().print(f"{record.place}: {record.reason}")
    if report.bad_count > SHOWN:
        results().print(f"and {report.bad_count - SHOWN:,} more")
