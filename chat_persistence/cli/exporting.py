"""The command that exports: one user, or everybody, into a file or to stdout."""

import sys
from contextlib import aclosing
from pathlib import Path

import typer

from chat_persistence import ChatStore, ExportProgress
from chat_persistence.cli.counting import counting
from chat_persistence.cli.database import on_store
from chat_persistence.cli.output import notes
from chat_persistence.transfer.export_files import ExportFormat, export_file, pieces_of


def export(
    url: str, schema: str | None, output: Path | None, user_id: str | None, format: ExportFormat, *, resume: bool
) -> None:
    """Export, and tell on stderr what it came to."""
    if resume and output is None:
        raise typer.BadParameter("--resume goes on with a file: name it by --output")

    async def work(store: ChatStore) -> ExportProgress:
        with counting("exporting") as tell:

            def take_note(progress: ExportProgress) -> None:
                tell(_told(progress))

            if output is None:
                return await _to_stdout(store, user_id, format)
            return await export_file(store, output, user_id, format=format, resume=resume, on_progress=take_note)

    exported = on_store(url, schema, work)
    notes().print(f"exported: {_told(exported)}")


async def _to_stdout(store: ChatStore, user_id: str | None, format: ExportFormat) -> ExportProgress:
    told = [ExportProgress()]
    async with aclosing(pieces_of(store, user_id, format=format, on_progress=told.append)) as pieces:
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return told[-1]


def _told(progress: ExportProgress) -> str:
    return f"{progress.conversations:,} conversations with {progress.messages:,} messages"
