"""The command `import`: files of other formats, and tables of other libraries."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from chat_persistence import ChatStore
from chat_persistence.cli.database import open_database
from chat_persistence.cli.output import notes, print_json, results
from chat_persistence.transfer import (
    ChatGPTExport,
    ClaudeExport,
    FileSource,
    ImportReport,
    OpenAIChat,
    ReadProgress,
    ShareGPT,
    import_conversations,
)
from chat_persistence.transfer.importing import OnError, OnProgress
from chat_persistence.transfer.records import Format, Source

FileFormat = Literal["chatgpt", "claude", "openai", "sharegpt"]

FORMATS: dict[FileFormat, Callable[[str], Format]] = {
    "chatgpt": lambda user_id: ChatGPTExport(user_id=user_id),
    "claude": lambda user_id: ClaudeExport(user_id=user_id),
    "openai": lambda user_id: OpenAIChat(user_id=user_id),
    "sharegpt": lambda user_id: ShareGPT(user_id=user_id),
}

SHOWN = 20
"""Of more bad records, only `--json` lists more."""


def read_file(format: FileFormat, path: Path, user_id: str) -> Source:
    """Return a file as a source, whose conversations become this user's."""
    return FileSource(path, FORMATS[format](user_id))


def import_from(url: str, schema: str | None, source: Source, *, on_error: OnError, as_json: bool) -> None:
    """Import a source and print what it came to."""
    with open_database(url) as database:
        report = asyncio.run(_import(database.url, schema, source, on_error))
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)


async def _import(url: str, schema: str | None, source: Source, on_error: OnError) -> ImportReport:
    async with ChatStore(url, schema=schema) as store:
        await store.check()
        with _progress() as tell:
            return await import_conversations(store, source, on_error=on_error, on_progress=tell)


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
