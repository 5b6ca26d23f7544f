"""How far the demo is: a bar on a terminal, a line elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from chat_persistence.cli.output import notes


@contextmanager
def progress(doing: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield what to call after each of so many steps."""
    console = notes()
    if not console.is_terminal:
        console.print(f"{doing} ({total:,})")
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        task = bars.add_task(doing, total=total)
        yield lambda: bars.advance(task)
