"""How much of everything is checked: seconds for each run of the tests, minutes for a user, hours for a release."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Each field is a number of repetitions that one check reads; times are in seconds."""

    name: str
    cancellations: int
    """Of each way to cancel, at each distance."""
    cuts: int
    outages: int
    """Rounds of each kind of server loss."""
    outage_seconds: float
    """How long a round's load runs around its outage."""
    black_hole_calls: int
    walled_operations: int
    """Of three users through a store under row-level security."""


TESTS = Scale(
    "tests", cancellations=300, cuts=40, outages=1, outage_seconds=1.5, black_hole_calls=1, walled_operations=200
)
SELFTEST = Scale(
    "selftest",
    cancellations=1_000,
    cuts=100,
    outages=2,
    outage_seconds=2.0,
    black_hole_calls=1,
    walled_operations=2_000,
)
FULL = Scale(
    "full", cancellations=10_000, cuts=500, outages=20, outage_seconds=3.0, black_hole_calls=1, walled_operations=20_000
)
