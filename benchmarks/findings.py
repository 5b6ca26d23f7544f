"""Everything that was found, and the budgets that it is held against."""

from dataclasses import dataclass, field

from benchmarks.figures import Figure
from benchmarks.growth import Grown
from benchmarks.iterating import Iterated
from benchmarks.loops import CrowdSample


@dataclass(frozen=True, slots=True)
class Participant:
    """A contender; `lost` says why it did not finish."""

    name: str
    kind: str
    versions: dict[str, str]
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """What was promised and what was found; a count is the same on every machine."""

    name: str
    found: float
    limit: float
    is_count: bool = False
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether it holds."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit


@dataclass(slots=True)
class Findings:
    """The facts of one run; workloads by name, then contenders by name."""

    scale: str
    date: str
    seconds: float
    machine: dict[str, str]
    server: dict[str, str]
    client: dict[str, str]
    participants: list[Participant] = field(default_factory=list)
    near: dict[str, dict[str, Figure]] = field(default_factory=dict)
    bulk: dict[str, Figure] = field(default_factory=dict)
    far: dict[str, dict[str, Figure]] = field(default_factory=dict)
    crowd_users: int = 0
    crowd: dict[str, CrowdSample] = field(default_factory=dict)
    trips: dict[str, dict[str, float]] = field(default_factory=dict)
    tutorial_pages: dict[int, int] = field(default_factory=dict)
    conversations: list[Grown] = field(default_factory=list)
    tables: list[Grown] = field(default_factory=list)
    iterated: Iterated | None = None
    notes: list[str] = field(default_factory=list)
