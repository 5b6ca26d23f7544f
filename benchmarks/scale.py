"""How much of everything is run: a look for CI, or the figures that are published."""

from dataclasses import dataclass

TASK_CONVERSATIONS = 64
TASK_MESSAGES = 100
TASKS = (1, 16, 64)
FAR_TASKS = 16


@dataclass(frozen=True, slots=True)
class Scale:
    """`guest_rounds` are the rounds in which slow contenders take part too; times are in seconds."""

    name: str
    rounds: int
    guest_rounds: int
    warm_up: int
    """Operations before the first round."""
    seconds: float
    """How long one contender is timed in one round, unless a single operation takes longer."""
    sizes: tuple[int, ...]
    """The conversations from which the last 50 are read."""
    listed: int
    crowd: int
    crowd_seconds: float
    tables: tuple[int, ...]
    """The rows of whole tables, among which a conversation of 100 is read and appended to."""
    table_seconds: float
    """What loading them may take, if the limit of the run leaves as much."""
    limit: float
    iterated: int
    loaded: int
    """How many conversations of 100 are loaded in bulk."""
    peer_size: int
    peer_seconds: float
    """What a peer is given to load everything."""


QUICK = Scale(
    name="quick",
    rounds=9,
    guest_rounds=2,
    warm_up=500,
    seconds=0.06,
    sizes=(10**2, 10**3, 10**4),
    listed=100,
    crowd=500,
    crowd_seconds=10,
    tables=(10**4, 10**5),
    table_seconds=20,
    limit=110,
    iterated=2 * 10**4,
    loaded=40,
    peer_size=10**3,
    peer_seconds=10,
)

FULL = Scale(
    name="full",
    rounds=31,
    guest_rounds=5,
    warm_up=2000,
    seconds=0.12,
    sizes=(10**2, 10**3, 10**4, 10**5, 10**6),
    listed=1000,
    crowd=10_000,
    crowd_seconds=25,
    tables=(10**4, 10**5, 10**6, 10**7),
    table_seconds=300,
    limit=1620,
    iterated=10**5,
    loaded=200,
    peer_size=10**5,
    peer_seconds=60,
)
