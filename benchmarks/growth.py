"""Growth: what reading and appending cost as the conversation grows, and as the table around it does."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from benchmarks import buffers, filling
from benchmarks.contender import Contender
from benchmarks.contenders.ours import append_turn
from benchmarks.figures import Figure
from benchmarks.loops import LAST, Workload
from benchmarks.names import USER, conversation_id, sized
from benchmarks.players import OwnProcess
from benchmarks.rounds import Field, Match
from benchmarks.scale import Scale
from benchmarks.server import Databases, settle
from chat_persistence import ChatStore, MessageRead

SAMPLED = 32
"""How many of a table's conversations take part."""

Place = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class Grown:
    """At one size: pages, and the times as figures whose ratios are to the smallest size."""

    size: int
    pages: dict[str, int]
    figures: dict[str, Figure]


class InPlaces(Contender):
    """Ours, in some conversations of a database; they are named by their index."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    async def open(self, url: str) -> None:
        self._store = await ChatStore(url).__aenter__()

    async def close(self) -> None:
        await self._store.aclose()

    async def fill(self, conversation: str, messages: int) -> None:
        """Do nothing: they are there."""

    async def append(self, conversation: str, number: int) -> None:
        owner, place = self._places[int(conversation)]
        await append_turn(self._store.for_user(owner), place, number)

    async def last(self, conversation: str) -> list[MessageRead]:
        owner, place = self._places[int(conversation)]
        return await self._store.for_user(owner).messages.last(place, LAST)

    def contents(self, messages: Sequence[Any]) -> list[str]:
        return [message.content for message in messages]


async def of_conversations(url: str, scale: Scale) -> list[Grown]:
    """Measure in conversations of every size, in one database."""
    places = {size: (url, [(USER, conversation_id(sized(size)))]) for size in scale.sizes}
    return await _measure(places, scale)


async def of_tables(databases: Databases, scale: Scale, seconds: float) -> list[Grown]:
    """Measure in conversations of 100 messages, in a database of every size that can be loaded within the time."""
    deadline = time.monotonic() + seconds
    places: dict[int, tuple[str, list[Place]]] = {}
    for rows in scale.tables:
        url = await databases.create(f"rows {rows}")
        async with ChatStore(url) as store:
            await store.migrate()
        if await filling.fill_table(url, rows, deadline - time.monotonic()) < rows:
            break
        await settle(url)
        places[rows] = (url, _sample(rows))
    return await _measure(places, scale) if places else []


def _sample(rows: int) -> list[Place]:
    numbers = range(1, rows // filling.MESSAGES_EACH + 1)
    return [filling.table_place(number) for number in random.Random(0).sample(numbers, SAMPLED)]  # noqa: S311


async def _measure(places: dict[int, tuple[str, list[Place]]], scale: Scale) -> list[Grown]:
    pages = {size: await buffers.of_our_statements(url, *some[0]) for size, (url, some) in places.items()}
    players = {size: OwnProcess(f"{size:,}", InPlaces(some)) for size, (_, some) in places.items()}
    for size, player in players.items():
        await player.open(places[size][0])
    figures = {action: await _play(list(players.values()), action, places, scale) for action in ("last", "append")}
    for player in players.values():
        await player.close()
    return [
        Grown(size, pages[size], {action: figures[action][player.name] for action in figures})
        for size, player in players.items()
    ]


async def _play(
    players: list[OwnProcess], action: str, places: dict[int, tuple[str, list[Place]]], scale: Scale
) -> dict[str, Figure]:
    indexes = tuple(str(index) for index in range(min(len(some) for _, some in places.values())))
    return await Match(Field(players), scale, Workload(action, indexes)).play(players, [players[0].name])
