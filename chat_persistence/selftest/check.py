"""What a check is: a name, what it needs, and a run that yields its figures."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.figures import Figure
from chat_persistence.selftest.scale import Scale


class CannotRun(Exception):
    """A check cannot be made in this arena. Says why, and is raised before the first figure."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. `run` yields a figure as soon as it is known, and leaves the arena as it found it.

    Where it cannot be made, for want of a program or a right, `run` raises `CannotRun`.
    """

    name: str
    run: Callable[[Arena, Scale], AsyncIterator[Figure]]
    needs_own_server: bool = False
    """Whether it restarts or kills the server, which harms everybody on it."""
