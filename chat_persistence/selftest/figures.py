"""What a check found, beside what was promised."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One promise in numbers: `found` must be at most `limit`, or at least it.

    `of` says out of how many, where that is worth knowing; `unit` is what is counted or measured.
    """

    name: str
    found: float
    limit: float
    unit: str = ""
    of: int | None = None
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the promise was kept."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    def __str__(self) -> str:
        found = f"{_number(self.found)} of {self.of:,}" if self.of is not None else _number(self.found)
        bound = "at least" if self.at_least else "at most"
        promise = f"promised {_number(self.limit)}" if self.found == self.limit else f"{bound} {_number(self.limit)}"
        return f"{self.name}: {found}{f' {self.unit}' if self.unit else ''} ({promise})"


class Unchecked(Figure):
    """A promise that could not be looked at here; none was broken."""

    def __str__(self) -> str:
        return self.name


def unchecked(name: str, reason: str) -> Figure:
    """Say that a promise was not looked at."""
    return Unchecked(f"{name}: not checked, {reason}", 0, 0)


def nothing(name: str, found: int, of: int | None = None) -> Figure:
    """Say that of something bad nothing is promised to be found."""
    return Figure(name, found, 0, of=of)


def everything(name: str, found: int, of: int) -> Figure:
    """Say that all of something is promised to be found."""
    return Figure(name, found, of, of=of, at_least=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
