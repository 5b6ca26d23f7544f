"""One check, run to its end."""

import time
from dataclasses import dataclass

from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import CannotRun, Check
from chat_persistence.selftest.figures import Figure
from chat_persistence.selftest.scale import Scale

NEEDS_OWN_SERVER = "it needs a server of its own: run the selftest without a URL"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a check: its figures, or why there are none, or not all."""

    name: str
    seconds: float
    figures: tuple[Figure, ...]
    not_possible: str | None = None
    """Why the check cannot be made here, which is no failure."""
    broken_off: str | None = None
    """What ended the check before its end."""

    @property
    def is_met(self) -> bool:
        """Whether nothing that was promised was found wanting."""
        return self.broken_off is None and all(figure.is_met for figure in self.figures)


async def run(check: Check, arena: Arena, scale: Scale) -> Outcome:
    """Run a check, and raise nothing of what it raises: the others may tell as much."""
    started = time.perf_counter()
    figures: list[Figure] = []
    not_possible = broken_off = None
    try:
        if check.needs_own_server and arena.server is None:
            raise CannotRun(NEEDS_OWN_SERVER)
        async for figure in check.run(arena, scale):
            figures.append(figure)
    except CannotRun as reason:
        not_possible = str(reason)
    except Exception as error:
        broken_off = f"{type(error).__name__}: {error}"
    return Outcome(check.name, time.perf_counter() - started, tuple(figures), not_possible, broken_off)
