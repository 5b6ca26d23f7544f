"""Many clients on a few shared logs, under faults: all that they were told agrees with what is there at the end."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from uuid import uuid4

from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.clients import Client, History
from chat_persistence.selftest.figures import Figure, nothing
from chat_persistence.selftest.history import Anomaly, Entry, Log, Outcome, findings
from chat_persistence.selftest.relay import Relay
from chat_persistence.selftest.scale import Scale

CLIENTS = 32
USERS = 2
CONVERSATIONS = 3
"""Of each user, with the same ids for every user: only the owner tells their logs apart."""
POOL_SIZE = 10
CALLS_PER_FAULT = 40
FROZEN_SECONDS = 0.03


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Record what all clients were told, and hold it against the rows, read behind the library's back."""
    users = [arena.new_user() for _ in range(USERS)]
    history = History()
    await _play(arena, users, history, scale.history_calls // CLIENTS)
    calls = len(history.appends) + len(history.reads)
    found = Counter(finding.anomaly for finding in findings(history.appends, history.reads, await _logs(arena, users)))
    for anomaly in Anomaly:
        yield nothing(f"history: {anomaly.value}", found[anomaly], calls)
    yield nothing("history: counters that are not those of their log", await _miscounted(arena, users))
    # Without these the rest would say nothing.
    for outcome in Outcome:
        told = sum(append.outcome is outcome for append in history.appends)
        yield Figure(f"history: appends {outcome.value}", told, 1, of=len(history.appends), at_least=True)


class Faults:
    """Does something to the lines once in so many calls."""

    def __init__(self, relay: Relay, chance: random.Random) -> None:
        self._relay = relay
        self._chance = chance
        self._calls = 0

    def count_call(self) -> None:
        """Count a call, and perhaps let it meet with something."""
        self._calls += 1
        if self._calls % CALLS_PER_FAULT == 0:
            self._chance.choice((self._relay.cut_next, self._relay.cut_next, self._relay.drop_all, self._freeze))()

    def _freeze(self) -> None:
        self._relay.swallow()
        asyncio.get_running_loop().call_later(FROZEN_SECONDS, self._relay.carry_on)


async def _play(arena: Arena, users: Sequence[str], history: History, calls: int) -> None:
    application = f"history {users[0][-12:]}"
    conversations = [uuid4() for _ in range(CONVERSATIONS)]
    chance = random.Random(0)  # noqa: S311 (the same calls in every run)
    async with arena.relay() as (url, relay):
        faults = Faults(relay, chance)
        async with arena.store(with_parameters(url, application_name=application), pool_size=POOL_SIZE) as store:
            clients = []
            for number in range(CLIENTS):
                logs = [Log(users[number % USERS], conversation) for conversation in conversations]
                clients.append(Client(store, logs, history, random.Random(number), faults.count_call))  # noqa: S311
            await asyncio.gather(*[client.play(calls) for client in clients])
    await _until_gone(arena, application)


async def _until_gone(arena: Arena, application: str) -> None:
    # What was sent on a line that was cut may still be running.
    for _ in range(1_500):
        if not await arena.backends(application):
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("a connection is still served that was closed half a minute ago")


async def _logs(arena: Arena, users: Sequence[str]) -> dict[Log, list[Entry]]:
    query = (
        "SELECT user_id, conversation_id, position, id FROM messages WHERE user_id = ANY($1)"
        " ORDER BY user_id, conversation_id, position"
    )
    async with arena.connection() as connection:
        rows = await connection.fetch(query, users)
    return {
        Log(*log): [Entry(row["position"], row["id"]) for row in entries]
        for log, entries in groupby(rows, key=lambda row: (row["user_id"], row["conversation_id"]))
    }


async def _miscounted(arena: Arena, users: Sequence[str]) -> int:
    query = (
        "SELECT count(*) FROM conversations AS c WHERE user_id = ANY($1) AND (last_position, message_count) <> ("
        "SELECT coalesce(max(position), 0), count(*) FROM messages AS m"
        " WHERE m.user_id = c.user_id AND m.conversation_id = c.id)"
    )
    async with arena.connection() as connection:
        return int(await connection.fetchval(query, users))


CHECK = Check("history", run)
