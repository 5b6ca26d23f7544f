"""How a command ends: its exit code, and one line for what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from chat_persistence.cli.output import notes
from chat_persistence.errors import ChatPersistenceError, SchemaMismatch

FAILED = 1
SCHEMA_BEHIND = 3
INTERRUPTED = 130


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn our errors and Ctrl-C into a line on stderr and an exit code. Anything else is a defect, and is raised."""
    try:
        yield
    except KeyboardInterrupt:
        notes().print("interrupted; run it again to go on")
        raise typer.Exit(INTERRUPTED) from None
    except ChatPersistenceError as error:
        raise _tell(error) from None
    except ExceptionGroup as group:
        ours, others = group.split(ChatPersistenceError)
        if ours is None or others is not None:
            raise
        raise _tell(_first(ours)) from None


def _first(group: ExceptionGroup[ChatPersistenceError]) -> ChatPersistenceError:
    """Return what one of several tasks raised: of a database that went away, all of them say the same."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


def _tell(error: ChatPersistenceError) -> typer.Exit:
    notes().print(f"error: {' '.join(str(error).split())}")
    return typer.Exit(SCHEMA_BEHIND if isinstance(error, SchemaMismatch) else FAILED)
