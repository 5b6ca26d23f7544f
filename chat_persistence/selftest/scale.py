"""How much of everything is checked: seconds for each run of the tests, minutes for a user, hours for a release."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Each field is a number of repetitions that one check reads; times are in seconds."""

    name: str
    cancellations: int
    """Callers who are cancelled in each way, at each distance."""
    deadlines: int
    """Calls in each storm of deadlines."""
    cuts: int
    outages: int
    """Rounds of each kind of server loss."""
    outage_seconds: float
    """How long a round's load runs around its outage."""
    killed_receivers: int
    """Processes that receive replies."""
    black_hole_calls: int
    pooled_calls: int
    """Through a pooler in transaction mode, with each profile that is for one."""
    wakings: int
    """Rounds of each way in which a server sleeps."""
    history_calls: int
    """Of all clients together, whose history is checked."""
    hostile_values: int
    """Messages of any text and any JSON."""
    injections: int
    """Strings that mean something to SQL, of 500."""
    walled_operations: int
    """Of three users through a store under row-level security."""


TESTS = Scale(
    "tests",
    cancellations=200,
    deadlines=2_000,
    cuts=40,
    outages=1,
    outage_seconds=1.0,
    killed_receivers=20,
    black_hole_calls=1,
    pooled_calls=800,
    wakings=1,
    history_calls=1_600,
    hostile_values=2_000,
    injections=100,
    walled_operations=200,
)
SELFTEST = Scale(
    "selftest",
    cancellations=1_000,
    deadlines=3_000,
    cuts=100,
    outages=2,
    outage_seconds=2.0,
    killed_receivers=40,
    black_hole_calls=1,
    pooled_calls=800,
    wakings=1,
    history_calls=6_400,
    hostile_values=10_000,
    injections=500,
    walled_operations=2_000,
)
FULL = Scale(
    "full",
    cancellations=10_000,
    deadlines=20_000,
    cuts=500,
    outages=20,
    outage_seconds=3.0,
    killed_receivers=400,
    black_hole_calls=1,
    pooled_calls=8_000,
    wakings=10,
    history_calls=102_400,
    hostile_values=100_000,
    injections=500,
    walled_operations=20_000,
)
