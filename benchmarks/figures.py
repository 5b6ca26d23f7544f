"""What a row of samples comes to: a middle, and how far the rounds lie apart."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.loops import Sample


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, and between what eight tenths of the rounds lie."""

    median: float
    low: float
    high: float


def spread_of(values: Sequence[float]) -> Spread:
    """Return the 50th, the 10th and the 90th percentile."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(statistics.median(ordered), ordered[round(0.1 * last)], ordered[round(0.9 * last)])


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as much as another's in the same rounds; under 1 is less."""

    wall: Spread
    cpu: Spread


@dataclass(frozen=True, slots=True)
class Figure:
    """One contender at one workload: milliseconds an operation, and ratios by the other's name."""

    rounds: int
    wall_ms: Spread
    cpu_ms: Spread
    per_second: float
    ratios: dict[str, Ratio]


Rounds = dict[str, dict[int, Sample]]
"""By contender, by round: not everybody plays every one."""


def figures_of(rounds: Rounds, references: Sequence[str]) -> dict[str, Figure]:
    """Return everybody's figures, held against those of the references that took part."""
    present = [name for name in references if rounds.get(name)]
    return {name: _figure(rounds, name, present) for name, samples in rounds.items() if samples}


def _figure(rounds: Rounds, name: str, references: Sequence[str]) -> Figure:
    samples = list(rounds[name].values())
    wall = spread_of([sample.wall / sample.operations * 1000 for sample in samples])
    cpu = spread_of([sample.cpu / sample.operations * 1000 for sample in samples])
    ratios = {other: _ratio(rounds[name], rounds[other]) for other in references if other != name}
    return Figure(len(samples), wall, cpu, 1000 / wall.median, ratios)


def _ratio(samples: dict[int, Sample], others: dict[int, Sample]) -> Ratio:
    pairs = [(sample, others[number]) for number, sample in samples.items() if number in others]
    return Ratio(
        wall=spread_of([(one.wall / one.operations) / (other.wall / other.operations) for one, other in pairs]),
        cpu=spread_of([(one.cpu / one.operations) / (other.cpu / other.operations) for one, other in pairs]),
    )
