"""Two processes, two users, erasures, rotations and rollbacks in any order: what is read is what a plain model says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, Encryption, KeyRing, MessageCreate

RINGS = [KeyRing({"a": b"a" * 32, "b": b"b" * 32}, current) for current in ("a", "b")]
USERS = ("ada", "eve")

processes = st.integers(0, 1)
users = st.sampled_from(USERS)
steps = st.one_of(
    st.tuples(st.sampled_from(["append", "roll back", "in a unit", "erase"]), processes, users),
    st.tuples(st.just("rotate"), processes, st.just("")),
)


class Undone(Exception):
    """What rolls a unit of work back."""


@dataclass
class World:
    """Two stores that are as two processes, and what each user has said since he was last erased."""

    stores: Sequence[ChatStore]
    names: dict[str, str] = field(default_factory=lambda: {user: f"{user}-{uuid4()}" for user in USERS})
    ids: dict[str, UUID] = field(default_factory=lambda: {user: uuid4() for user in USERS})
    said: dict[str, list[str]] = field(default_factory=lambda: {user: [] for user in USERS})

    async def take(self, number: int, what: str, process: int, user: str) -> None:
        store = self.stores[process]
        if what == "rotate":
            await store.rotate_keys(RINGS[number % 2])
        elif what == "erase":
            await store.for_user(self.names[user]).erase()
            self.said[user] = []
        elif what == "append":
            chat = store.for_user(self.names[user])
            await chat.messages.append(self.ids[user], said(number), create_conversation=True)
            self.said[user].append(str(number))
        else:
            await self._in_a_unit(store, number, user, ends_well=what == "in a unit")

    async def _in_a_unit(self, store: ChatStore, number: int, user: str, *, ends_well: bool) -> None:
        try:
            async with store.unit_of_work(self.names[user]) as work:
                await work.messages.append(self.ids[user], said(number), create_conversation=True)
                if not ends_well:
                    raise Undone
        except Undone:
            return
        self.said[user].append(str(number))

    async def read(self, process: int) -> dict[str, list[str]]:
        return {
            user: [
                message.content
                for message in await self.stores[process].for_user(self.names[user]).messages.last(self.ids[user], 1000)
            ]
            for user in USERS
        }


def said(number: int) -> MessageCreate:
    return MessageCreate(role="user", content=str(number))


@given(taken=st.lists(steps, max_size=25))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_both_processes_read_what_was_said_since_the_last_erasure(
    chat_database: str, taken: list[tuple[str, int, str]]
) -> None:
    async with (
        ChatStore(chat_database, encryption=Encryption(RINGS[0])) as one,
        ChatStore(chat_database, encryption=Encryption(RINGS[1])) as other,
    ):
        world = World([one, other])
        for number, step in enumerate(taken):
            await world.take(number, *step)

        assert [await world.read(process) for process in (0, 1)] == [world.said] * 2
