"""Rounds: in each, all contenders do the same in turn, so that what the machine does meanwhile falls on all alike."""

import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from benchmarks.environments import PeerUnavailable
from benchmarks.figures import Figure, Rounds, figures_of
from benchmarks.loops import Workload
from benchmarks.players import Player
from benchmarks.scale import Scale

SLOW_SECONDS = 1.0
"""What takes longer than this in a round is played in few of them."""

SLOW_ROUNDS = 3


class Field:
    """Those who still take part, and why the others do not any more."""

    def __init__(self, players: Sequence[Player]) -> None:
        self.players = list(players)
        self.losses: dict[str, str] = {}

    def lose(self, name: str, reason: object) -> None:
        """Have somebody take no further part."""
        self.losses[name] = str(reason)
        self.players = [player for player in self.players if player.name != name]

    @asynccontextmanager
    async def surviving(self, player: Player) -> AsyncIterator[None]:
        """Let a peer, and nobody else, fail in here without stopping the others."""
        try:
            yield
        except PeerUnavailable as reason:
            self.lose(player.name, reason)


class Match:
    """One workload, played by some of the field."""

    def __init__(self, field: Field, scale: Scale, workload: Workload) -> None:
        self._field = field
        self._scale = scale
        self._workload = workload
        self._operations: dict[str, int] = {}
        self._calls: dict[str, frozenset[int]] = {}
        self._rounds: Rounds = {}

    async def play(self, players: Sequence[Player], references: Sequence[str]) -> dict[str, Figure]:
        """Warm up, play the rounds and return the figures of those who finished."""
        for player in players:
            async with self._field.surviving(player):
                await self._warm_up(player)
        order = random.Random(0)  # noqa: S311
        for number in range(self._scale.rounds):
            playing = [player for player in players if number in self._calls.get(player.name, ())]
            order.shuffle(playing)
            for player in playing:
                await self._play_round(player, number)
        return figures_of({player.name: self._rounds.get(player.name, {}) for player in players}, references)

    async def _play_round(self, player: Player, number: int) -> None:
        if player.name in self._field.losses:
            return
        async with self._field.surviving(player):
            sample = await player.time(self._workload, self._operations[player.name])
            self._rounds.setdefault(player.name, {})[number] = sample

    async def _warm_up(self, player: Player) -> None:
        """Double the operations until they take half the time that a round gives them."""
        operations = self._workload.tasks
        sample = await player.time(self._workload, operations)
        while sample.wall < self._scale.seconds / 2:
            operations = max(operations * 2, int(operations * self._scale.seconds / 4 / sample.wall))
            sample = await player.time(self._workload, operations)
        wanted = round(sample.operations * self._scale.seconds / sample.wall)
        self._operations[player.name] = max(wanted, self._workload.tasks)
        self._calls[player.name] = self._rounds_of(player, sample.wall)

    def _rounds_of(self, player: Player, wall: float) -> frozenset[int]:
        count = self._scale.guest_rounds if player.is_guest else self._scale.rounds
        if wall > max(SLOW_SECONDS, 2 * self._scale.seconds):
            count = min(count, SLOW_ROUNDS)
        return frozenset(round((nth + 0.5) * self._scale.rounds / count - 0.5) for nth in range(count))


def stopwatch() -> Callable[[], float]:
    """Return what tells the seconds since now."""
    started = time.monotonic()
    return lambda: time.monotonic() - started
