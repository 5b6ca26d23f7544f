"""Round trips, counted on the wire: how often each operation waits for the server."""

from benchmarks.loops import Workload
from benchmarks.players import Player
from benchmarks.workloads import CHATS
from chat_persistence.selftest.relay import Relay

WARM_UP = 64  # some drivers prepare a statement when it comes the sixth time, on each connection
COUNTED = 10

BUDGETS = {"append": 1, "last": 1, "list": 1, "read_then_append": 2}
"""What ours may take, every statement being prepared."""


async def count(player: Player, url: str) -> dict[str, float]:
    """Return the round trips of one operation of each kind that the player knows, with everything warm."""
    actions = {
        "append": Workload("append", CHATS),
        "last": Workload("last", CHATS),
        "list": Workload("list"),
        "read_then_append": Workload("read_then_append", CHATS),
    }
    if not player.lists:
        del actions["list"]
    relay = Relay(url)
    async with relay.listening() as through:
        await player.open(through)
        trips = {name: await _count(player, workload, relay) for name, workload in actions.items()}
        await player.close()
    return trips


async def _count(player: Player, workload: Workload, relay: Relay) -> float:
    await player.time(workload, WARM_UP)
    before = relay.turns
    await player.time(workload, COUNTED)
    return (relay.turns - before) / COUNTED
