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

    @property
    def what_was_found(self) -> str:
        """In words."""
        found = f"{_number(self.found)} of {self.of:,}" if self.of is not None else _number(self.found)
        return f"{found} {self.unit}".rstrip()

    @property
    def what_was_promised(self) -> str:
        """In words: a number, or a bound."""
        bound = "" if self.found == self.limit else "at least " if self.at_least else "at most "
        return f"{bound}{_number(self.limit)} {self.unit}".rstrip()

    def __str__(self) -> str:
        return f"{self.name}: {self.what_was_found} (promised: {self.what_was_promised})"


def nothing(name: str, found: int, of: int | None = None) -> Figure:
    """Say that of something bad nothing is promised to be found."""
    return Figure(name, found, 0, of=of)


def everything(name: str, found: int, of: int) -> Figure:
    """Say that all of something is promised to be found."""
    return Figure(name, found, of, of=of, at_least=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
