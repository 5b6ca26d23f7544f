"""The command `selftest`: which checks, on which server, and what is printed."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict

import typer
from rich.box import SIMPLE
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from chat_persistence.cli.outcome import FAILED
from chat_persistence.cli.output import notes, print_json, results
from chat_persistence.connection import read_url
from chat_persistence.errors import ConfigurationError
from chat_persistence.selftest import arena
from chat_persistence.selftest.all_checks import CHECKS
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.run import Outcome, run
from chat_persistence.selftest.scale import SELFTEST
from chat_persistence.selftest.server import OwnServer, own_server

FILE_WIDTH = 120
"""Rich takes 80 where there is no terminal, and would break most lines."""

NO_POOLER = "behind a pooler nobody sees which connection is whose: give the selftest the URL of the server itself"


def choose(wanted: Sequence[str]) -> list[Check]:
    """Return the checks of these names, or all; a name that there is not is wrong usage."""
    known = {check.name: check for check in CHECKS}
    if unknown := sorted(set(wanted).difference(known)):
        raise typer.BadParameter(f"no check {', '.join(unknown)}; there are: {', '.join(known)}")
    return [check for check in CHECKS if not wanted or check.name in wanted]


def selftest(url: str | None, checks: Sequence[Check], *, as_json: bool) -> None:
    """Run them and print the figures; exits with 1 when any is not as promised."""
    with _server(url) as (address, server):
        outcomes = asyncio.run(_run(address, server, checks))
    is_met = all(outcome.is_met for outcome in outcomes)
    if as_json:
        print_json({"ok": is_met, "checks": [_as_json(outcome) for outcome in outcomes]})
    else:
        _print(outcomes)
    if not is_met:
        raise typer.Exit(FAILED)


@contextmanager
def _server(url: str | None) -> Iterator[tuple[str, OwnServer | None]]:
    if url is not None:
        if read_url(url).profile != "direct":
            raise ConfigurationError(NO_POOLER)
        yield url, None
        return
    with own_server() as server:
        yield server.url, server


async def _run(url: str, server: OwnServer | None, checks: Sequence[Check]) -> list[Outcome]:
    outcomes = []
    with _progress(len(checks)) as begin:
        async with arena.opened(url, server) as ours:
            for check in checks:
                begin(check.name)
                outcomes.append(await run(check, ours, SELFTEST))
    return outcomes


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """Yield what to call before each check: a bar on a terminal, a line elsewhere."""
    console = notes()
    if not console.is_terminal:
        yield lambda name: console.print(f"checking: {name}")
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=total, completed=-1)
        yield lambda name: bars.update(task, description=name, advance=1)


def _print(outcomes: Sequence[Outcome]) -> None:
    console = results()
    if not console.is_terminal:
        console.width = FILE_WIDTH
    console.print(_table([outcome for outcome in outcomes if outcome.figures]))
    for outcome in outcomes:
        if outcome.not_possible is not None:
            console.print(f"not checked here: {outcome.name}: {outcome.not_possible}")
        if outcome.broken_off is not None:
            console.print(f"broken off: {outcome.name}: {outcome.broken_off}", style="red")
    console.print(_verdict(outcomes))


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("", box=SIMPLE)
    for heading in ("found", "promised"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for outcome in outcomes:
        table.add_row(outcome.name, f"{outcome.seconds:.0f} s", style="bold")
        for figure in outcome.figures:
            mark = "met" if figure.is_met else "MISSED"
            style = None if figure.is_met else "red"
            table.add_row(figure.name, figure.what_was_found, figure.what_was_promised, mark, style=style)
        table.add_section()
    return table


def _verdict(outcomes: Sequence[Outcome]) -> str:
    figures = [figure for outcome in outcomes for figure in outcome.figures]
    missed = sum(not figure.is_met for figure in figures)
    return (
        f"{missed} of {len(figures)} figures are not as promised" if missed else f"{len(figures)} figures, as promised"
    )


def _as_json(outcome: Outcome) -> Mapping[str, object]:
    figures = [asdict(figure) | {"is_met": figure.is_met} for figure in outcome.figures]
    return asdict(outcome) | {"figures": figures, "is_met": outcome.is_met}
