"""The stage: everybody's database, filled, and who lives where."""

import asyncio
import sys
import time
from collections.abc import Sequence

from benchmarks import environments
from benchmarks.contenders.asyncpg_by_hand import AsyncpgByHand
from benchmarks.contenders.ours import Ours
from benchmarks.contenders.tutorial import Tutorial
from benchmarks.environments import Peer, PeerUnavailable
from benchmarks.loops import Workload
from benchmarks.names import ASYNCPG, FLOOR, OURS, TUTORIAL, numbered, sized
from benchmarks.peer_process import PeerProcess
from benchmarks.players import OwnProcess, Player
from benchmarks.rounds import Field
from benchmarks.scale import TASK_MESSAGES, Scale
from benchmarks.server import Databases, settle
from benchmarks.workloads import CHATS

PROBE = "probe"

FOREVER = 3600.0


def note(text: str) -> None:
    """Tell on stderr what is going on."""
    print(text, file=sys.stderr, flush=True)


class Stage:
    """The field of players, the URL of each one's database, and which sizes of conversations each one has."""

    def __init__(self, databases: Databases, scale: Scale) -> None:
        self.databases = databases
        self.scale = scale
        self.tutorial = Tutorial()
        self.home: list[Player] = [
            OwnProcess(OURS, Ours()),
            OwnProcess(ASYNCPG, AsyncpgByHand(resets=True)),
            OwnProcess(FLOOR, AsyncpgByHand(resets=False)),
            OwnProcess(TUTORIAL, self.tutorial, is_guest=True),
        ]
        self.peers: list[PeerProcess] = []
        self.field = Field(self.home)
        self.urls: dict[str, str] = {}
        self._sizes: dict[str, set[int]] = {}

    async def set_up(self, peers: Sequence[Peer]) -> None:
        """Install and start the peers, make the databases and fill them."""
        await self._start(peers)
        for player in list(self.field.players):
            async with self.field.surviving(player):
                await self._move_in(player)

    async def tear_down(self) -> None:
        """Stop the peers."""
        for peer in self.peers:
            await peer.stop()

    def can(self, player: Player, workload: Workload) -> bool:
        """Whether a player has what a workload asks for."""
        if workload.action == "list":
            return player.lists
        if workload.action == "last":
            return any(workload.conversations == (sized(size),) for size in self._sizes.get(player.name, ()))
        return True

    async def _start(self, peers: Sequence[Peer]) -> None:
        if peers:
            note("the peers' environments (the first time takes some minutes)")
        # Two at once: pip waits as much as it works.
        gate = asyncio.Semaphore(2)

        async def prepare(peer: Peer) -> None:
            async with gate:
                try:
                    process = PeerProcess(peer, await asyncio.to_thread(environments.prepare, peer))
                    self.peers.append(process)
                    await process.start()
                except PeerUnavailable as reason:
                    self.field.lose(peer.name, reason)
                else:
                    self.field.players.append(process)

        await asyncio.gather(*(prepare(peer) for peer in peers))
        order = [player.name for player in self.home] + [peer.name for peer in peers]
        self.field.players.sort(key=lambda player: order.index(player.name))

    async def _move_in(self, player: Player) -> None:
        started = time.monotonic()
        if player.name in (ASYNCPG, FLOOR):
            # The same SQL on the same rows as ours.
            self.urls[player.name], self._sizes[player.name] = self.urls[OURS], self._sizes[OURS]
            return
        self.urls[player.name] = url = await self.databases.create(player.name)
        await player.open(url)
        self._sizes[player.name] = await self._fill(player)
        await player.verify(PROBE)
        await player.close()
        await settle(url)
        note(f"{player.name}: filled in {time.monotonic() - started:.0f} s")

    async def _fill(self, player: Player) -> set[int]:
        is_peer = player in self.peers
        deadline = time.monotonic() + (self.scale.peer_seconds if is_peer else FOREVER)
        await player.fill(PROBE, TASK_MESSAGES, FOREVER)
        for conversation in CHATS:
            await player.fill(conversation, TASK_MESSAGES, FOREVER)
        if player.lists:
            for conversation in numbered("listed", self.scale.listed):
                await player.fill(conversation, 2, FOREVER)
        reached: set[int] = set()
        for size in self.scale.sizes:
            if is_peer and size > self.scale.peer_size:
                break
            left = deadline - time.monotonic()
            if left <= 0 or not await player.fill(sized(size), size, left):
                break
            reached.add(size)
        return reached
