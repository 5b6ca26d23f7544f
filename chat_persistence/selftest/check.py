"""What a check is: a name, what it needs, and a run that yields its figures."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.figures import Figure
from chat_persistence.selftest.scale import Scale


def no_obstacle() -> None:
    """Say that a check can run on any machine."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. `run` yields a figure as soon as it is known, and leaves the arena as it found it."""

    name: str
    run: Callable[[Arena, Scale], AsyncIterator[Figure]]
    needs_own_server: bool = False
    """Whether it restarts or kills the server, which harms everybody on it."""
    obstacle: Callable[[], str | None] = no_obstacle
    """Says why it cannot run on this machine, if so: a program that it needs is missing."""
