"""Lines: what a read of the last 50 takes as the conversation grows, both axes by powers of ten."""

import math
from collections.abc import Iterator, Mapping
from itertools import cycle

from benchmarks.names import OURS
from benchmarks.picture.shapes import line, path, text

NAMES_WIDTH = 150
SCALE_WIDTH = 52
SCALE_HEIGHT = 24
LABEL_HEIGHT = 15

OUR_COLOUR = "#2f81f7"
# Told apart on white and on black.
COLOURS = ("#bf8700", "#a371f7", "#2da44e", "#e5534b", "#d4722c", "#1b9db8", "#d961a6", "#8b949e", "#949c2e")

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

Series = Mapping[str, Mapping[int, float]]
"""Milliseconds by size by contender."""


class Chart:
    """A frame with logarithmic axes around some series."""

    def __init__(self, series: Series, left: float, top: float, width: float, height: float) -> None:
        self._series = series
        self._left, self._right = left + SCALE_WIDTH, left + width - NAMES_WIDTH
        self._top, self._bottom = top, top + height - SCALE_HEIGHT
        sizes = [size for sizes in series.values() for size in sizes]
        times = [time for sizes in series.values() for time in sizes.values()]
        self._sizes = range(round(math.log10(min(sizes))), round(math.log10(max(sizes))) + 1)
        self._times = range(math.floor(math.log10(min(times))), math.ceil(math.log10(max(times))) + 1)

    def draw(self) -> Iterator[str]:
        """Draw the axes, the lines and their names."""
        yield from self._axes()
        ends: dict[str, float] = {}
        colours = cycle(COLOURS)
        chosen = {name: OUR_COLOUR if name == OURS else next(colours) for name in self._series}
        for name, times in sorted(self._series.items(), key=lambda each: each[0] == OURS):  # ours on top
            points = [(self._x(size), self._y(time)) for size, time in sorted(times.items())]
            ends[name] = points[-1][1]
            yield path(points, chosen[name], "ours" if name == OURS else "")
        for name, y in _spaced(ends, self._bottom).items():
            yield text(self._right + 8, y + 4, name, "ours" if name == OURS else "", colour=chosen[name])

    def _axes(self) -> Iterator[str]:
        for power in self._times:
            y = self._y(10.0**power)
            yield line(self._left, y, self._right, y)
            yield text(self._left - 6, y + 4, _milliseconds(power), "small", "end")
        for power in self._sizes:
            label = "10" + str(power).translate(SUPERSCRIPTS)
            yield text(self._x(10**power), self._bottom + 17, label, "small", "middle")

    def _x(self, size: int) -> float:
        share = (math.log10(size) - self._sizes[0]) / max(len(self._sizes) - 1, 1)
        return self._left + share * (self._right - self._left)

    def _y(self, time: float) -> float:
        share = (math.log10(time) - self._times[0]) / max(len(self._times) - 1, 1)
        return self._bottom - share * (self._bottom - self._top)


def _milliseconds(power: int) -> str:
    if power >= 3:
        return f"{10 ** (power - 3):,} s"
    return f"{10.0**power:g} ms"


def _spaced(ends: Mapping[str, float], bottom: float) -> dict[str, float]:
    """Move names apart that would be written over one another: downwards, and up again from the bottom."""
    names = sorted(ends, key=lambda name: ends[name])
    ys: list[float] = []
    for name in names:
        ys.append(max(ends[name], ys[-1] + LABEL_HEIGHT) if ys else ends[name])
    for nth, y in enumerate(reversed(ys)):
        ys[-1 - nth] = min(y, bottom - nth * LABEL_HEIGHT)
    return dict(zip(names, ys, strict=True))
