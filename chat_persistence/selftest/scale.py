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
    hostile_values: int
    """Messages of any text and any JSON."""
    injections: int
    """Strings that mean something to SQL, of 500."""


TESTS = Scale(
    "tests",
    cancellations=300,
    cuts=40,
    outages=1,
    outage_seconds=1.5,
    black_hole_calls=1,
    hostile_values=2_000,
    injections=100,
)
SELFTEST = Scale(
    "selftest",
    cancellations=1_000,
    cuts=100,
    outages=2,
    outage_seconds=2.0,
    black_hole_calls=1,
    hostile_values=10_000,
    injections=500,
)
FULL = Scale(
    "full",
    cancellations=10_000,
    cuts=500,
    outages=20,
    outage_seconds=3.0,
    black_hole_calls=1,
    hostile_values=100_000,
    injections=500,
)
