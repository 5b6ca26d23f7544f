"""How much of everything is checked: seconds for each run of the tests, minutes for a user, hours for a release."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Each field is a number of repetitions that one check reads; times are in seconds."""

    name: str
    cancellations: int
    """Turns for each way to cancel, at each distance; half of them are cancelled."""
    deadlines: int
    """Calls in each storm of deadlines."""
    cuts: int
    outages: int
    """Rounds of each kind of server loss."""
    outage_seconds: float
    """How long a round's load runs around its outage."""
    black_hole_calls: int


TESTS = Scale("tests", cancellations=300, deadlines=2_000, cuts=40, outages=1, outage_seconds=1.0, black_hole_calls=1)
SELFTEST = Scale(
    "selftest", cancellations=1_000, deadlines=3_000, cuts=100, outages=2, outage_seconds=2.0, black_hole_calls=1
)
FULL = Scale(
    "full", cancellations=20_000, deadlines=20_000, cuts=500, outages=20, outage_seconds=3.0, black_hole_calls=1
)
