"""Bars: how many turns a second each contender reads and appends."""

from collections.abc import Iterator, Mapping

from benchmarks.names import OURS
from benchmarks.picture.shapes import rectangle, text

NAMES_WIDTH = 165
NUMBERS_WIDTH = 60
BAR_HEIGHT = 17


def bars(figures: Mapping[str, float], left: float, top: float, width: float, height: float) -> Iterator[str]:
    """Draw the most first, all from zero."""
    most = max(figures.values())
    step = min(height / len(figures), 30)
    for nth, (name, number) in enumerate(sorted(figures.items(), key=lambda each: -each[1])):
        y = top + nth * step
        kind = "ours" if name == OURS else ""
        length = (width - NAMES_WIDTH - NUMBERS_WIDTH) * number / most
        yield text(left + NAMES_WIDTH - 8, y + 13, name, kind, "end")
        yield rectangle(left + NAMES_WIDTH, y, max(length, 1), BAR_HEIGHT, f"bar {kind}")
        yield text(left + NAMES_WIDTH + length + 6, y + 13, f"{number:,.0f}", kind)
