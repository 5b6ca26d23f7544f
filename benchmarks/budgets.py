"""The budgets: what was promised, held against what was found."""

from collections.abc import Iterator, Sequence

from benchmarks import buffers, bulk, iterating, trips
from benchmarks.findings import Budget, Findings
from benchmarks.growth import Grown
from benchmarks.names import ASYNCPG, FLOOR, OURS, TUTORIAL
from benchmarks.workloads import append_with, last_of, loop_with

KEY_SIZE = 1_000
APPEND_GROWTH = 12
"""Pages that an append may touch more of in the largest than in the smallest: the indexes are a little higher."""


def of(findings: Findings) -> list[Budget]:
    """Return every budget that this run could look at."""
    return [*_counts(findings), *_times(findings)]


def exit_code(held: Sequence[Budget]) -> int:
    """Return 1 when a count is over its budget, which no time ever brings about: it is the machine's too."""
    return int(any(budget.is_count and not budget.is_met for budget in held))


def _counts(findings: Findings) -> Iterator[Budget]:
    for action, found in findings.trips.get(OURS, {}).items():
        yield Budget(f"round trips, {action.replace('_', ' ')}", found, trips.BUDGETS[action], is_count=True)
    for what, grown in (("conversation", findings.conversations), ("table", findings.tables)):
        yield from _pages(what, grown)
    if findings.iterated is not None:
        megabytes = findings.iterated.memory / 2**20
        limit = iterating.MEMORY_BUDGET / 2**20
        yield Budget(
            f"MB above the start, iterate over {findings.iterated.messages:,}", megabytes, limit, is_count=True
        )


def _pages(what: str, grown: list[Grown]) -> Iterator[Budget]:
    for one in grown:
        name = f"pages, last 50, {what} of {one.size:,}"
        yield Budget(name, one.pages["last"], buffers.LAST_BUDGET, is_count=True)
    if grown:
        smallest = grown[0].pages["append"]
        for one in grown:
            name = f"pages, append, {what} of {one.size:,}"
            yield Budget(name, one.pages["append"], smallest + APPEND_GROWTH, is_count=True)


def _times(findings: Findings) -> Iterator[Budget]:
    last, appends = last_of(KEY_SIZE), [append_with(1), append_with(16)]
    for name, limit, part in ((last, 0.80, "wall"), (last, 0.90, "cpu"), *((each, 0.95, "wall") for each in appends)):
        ours = findings.near.get(name, {}).get(OURS)
        if ours is not None and ASYNCPG in ours.ratios:
            yield Budget(f"{name}: {part} × asyncpg", getattr(ours.ratios[ASYNCPG], part).median, limit)
        if ours is not None and FLOOR in ours.ratios and (name, part) == (last, "wall"):
            yield Budget(f"{name}: wall × asyncpg without reset", ours.ratios[FLOOR].wall.median, 1.05)
    yield from _against_peers(findings)
    if (loaded := findings.bulk.get(OURS)) is not None:
        found = 1 / loaded.ratios[bulk.BY_HAND].wall.median
        yield Budget("load: throughput × a COPY by hand", found, 0.8, at_least=True)
    for what, grown in (("conversation", findings.conversations), ("table", findings.tables)):
        yield from _growth_in_time(what, grown)
    if findings.iterated is not None:
        yield Budget("ms, longest stall of iterate", findings.iterated.stall_ms, iterating.STALL_BUDGET_MS)


def _against_peers(findings: Findings) -> Iterator[Budget]:
    figures = findings.near.get(loop_with(16), {})
    slower = {
        name: figure.ratios[OURS].wall.median
        for name, figure in figures.items()
        if name not in (OURS, ASYNCPG, FLOOR, TUTORIAL) and OURS in figure.ratios
    }
    if slower:
        fastest = min(slower, key=lambda name: slower[name])
        name = f"{loop_with(16)}: throughput × {fastest}, the fastest peer"
        yield Budget(name, slower[fastest], 3.0, at_least=True)


def _growth_in_time(what: str, grown: list[Grown]) -> Iterator[Budget]:
    if len(grown) < 2:
        return
    smallest, largest = grown[0], grown[-1]
    for action in ("last", "append"):
        ratio = largest.figures[action].ratios.get(f"{smallest.size:,}")
        if ratio is not None:
            name = f"{action}, {what} of {largest.size:,} × of {smallest.size:,}: wall"
            yield Budget(name, ratio.wall.median, 1.25)
