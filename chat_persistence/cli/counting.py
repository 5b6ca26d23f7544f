"""How far a command is whose end nobody knows: a moving bar on a terminal, a line elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from chat_persistence.cli.output import notes


@contextmanager
def counting(doing: str) -> Iterator[Callable[[str], None]]:
    """Yield what to tell after each step."""
    console = notes()
    if not console.is_terminal:
        yield console.print
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(doing, total=None)
        yield lambda told: bars.update(task, description=told)
