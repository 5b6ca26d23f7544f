"""The tables on the terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from benchmarks import budgets
from benchmarks.figures import Figure, Ratio, Spread
from benchmarks.findings import Findings
from benchmarks.growth import Grown
from benchmarks.names import ASYNCPG, FLOOR, OURS
from benchmarks.picture.page import caption


def show(findings: Findings) -> None:
    """Print everything."""
    console = Console(highlight=False, width=None if Console().is_terminal else 132)
    for line in caption(findings):
        console.print(line)
    console.print(_workloads("The server at hand", findings.near))
    console.print(_workloads("1 ms further away", findings.far))
    console.print(_crowd(findings))
    console.print(_trips(findings))
    for what, grown in (("conversation", findings.conversations), ("table", findings.tables)):
        console.print(_growth(what, grown))
    console.print(_participants(findings))
    console.print(_budgets(findings))
    for note in findings.notes:
        console.print(note)


def _workloads(title: str, workloads: Mapping[str, Mapping[str, Figure]]) -> Table:
    table = _table(
        title, "", "ms", "a second", "CPU ms", f"wall × {ASYNCPG} (10–90 %)", f"CPU × {ASYNCPG}", "× no reset", "rounds"
    )
    for workload, figures in workloads.items():
        table.add_row(f"[bold]{workload}[/bold]")
        for name, figure in figures.items():
            table.add_row(f"  {name}", *_figure(figure))
        table.add_section()
    return table


def _figure(figure: Figure) -> tuple[str, ...]:
    asyncpg, floor = figure.ratios.get(ASYNCPG), figure.ratios.get(FLOOR)
    return (
        _number(figure.wall_ms.median),
        f"{figure.per_second:,.0f}",
        _number(figure.cpu_ms.median),
        _spread(asyncpg.wall) if asyncpg else "1",
        _median(asyncpg, "cpu") if asyncpg else "1",
        _median(floor, "wall") if floor else "1",
        str(figure.rounds),
    )


def _crowd(findings: Findings) -> Table:
    table = _table(
        f"{findings.crowd_users:,} users at once: begin, read, append", "", "s", "served", "not served", "why"
    )
    for name, sample in findings.crowd.items():
        table.add_row(name, f"{sample.wall:.1f}", f"{sample.served:,}", f"{sample.failed:,}", sample.failure)
    return table


def _trips(findings: Findings) -> Table:
    actions = list(findings.trips.get(OURS, {}))
    table = _table("Round trips on the wire", "", *(action.replace("_", " ") for action in actions))
    for name, trips in findings.trips.items():
        table.add_row(name, *(f"{trips[action]:g}" if action in trips else "–" for action in actions))
    return table


def _growth(what: str, grown: list[Grown]) -> Table:
    table = _table(
        f"Growth with the {what}", "messages", "last 50: pages", "ms", "× smallest", "append: pages", "ms", "× smallest"
    )
    for one in grown:
        cells: list[str] = []
        for action in ("last", "append"):
            ratio = one.figures[action].ratios.get(f"{grown[0].size:,}")
            cells += [str(one.pages[action]), _number(one.figures[action].wall_ms.median), _median(ratio, "wall")]
        table.add_row(f"{one.size:,}", *cells)
    return table


def _participants(findings: Findings) -> Table:
    table = Table("", "versions", "did not finish", title="Who took part")
    for one in findings.participants:
        table.add_row(one.name, ", ".join(f"{name} {version}" for name, version in one.versions.items()), one.lost)
    return table


def _budgets(findings: Findings) -> Table:
    table = _table("Budgets", "", "found", "limit", "")
    for budget in budgets.of(findings):
        limit = f"{'≥' if budget.at_least else '≤'} {budget.limit:g}"
        verdict = "met" if budget.is_met else f"[bold red]MISSED by {abs(budget.found - budget.limit):.2f}[/bold red]"
        table.add_row(budget.name, f"{budget.found:.4g}", limit, verdict)
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for other in others:
        table.add_column(other, justify="right")
    return table


def _number(milliseconds: float) -> str:
    return f"{milliseconds:.3f}" if milliseconds < 10 else f"{milliseconds:,.0f}"


def _spread(spread: Spread) -> str:
    return f"{_times(spread.median)} ({_times(spread.low)}–{_times(spread.high)})"


def _median(ratio: Ratio | None, part: str) -> str:
    return _times(getattr(ratio, part).median) if ratio else "1"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"
