"""Following against a plain list: any appends and rewinds, by any number of readers, who begin and look at any time.

A reader who has looked has seen exactly the messages after its place that had survived until then, in order, and its
place is the last of them. What a rewind deleted before it looked, it never sees; what it had seen stays seen.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, MessageCreate, MessageRead, UserChats
from tests.integration.test_pages_by_model import database

PATIENCE = 30.0

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("append in a unit of work"), st.integers(1, 3)),
        st.tuples(st.just("rewind"), st.integers(0, 20)),
        st.tuples(st.just("begin"), st.integers(0, 20)),
        st.tuples(st.just("look"), st.integers(0, 9)),
    ),
    min_size=3,
    max_size=12,
)


@dataclass
class Reader:
    """One who follows, and where it is."""

    messages: AsyncGenerator[MessageRead, None]
    place: int

    async def look(self, count: int) -> list[MessageRead]:
        """Return the next so many."""
        async with asyncio.timeout(PATIENCE):
            seen = [await anext(self.messages) for _ in range(count)]
        self.place = max([self.place, *[message.position for message in seen]])
        return seen


@dataclass
class World:
    """A conversation, the list that it has to be, and its readers."""

    store: ChatStore
    reading: UserChats
    user_id: str
    id: UUID
    log: list[MessageRead] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)

    async def act(self, action: str, number: int) -> None:
        """Do something to both."""
        messages = [MessageCreate(role="user", content="x") for _ in range(number)]
        match action:
            case "append":
                self.log += await self.store.for_user(self.user_id).messages.append(self.id, *messages)
            case "append in a unit of work":
                async with self.store.unit_of_work(self.user_id) as work:
                    self.log += await work.messages.append(self.id, *messages)
            case "rewind":
                await self.store.for_user(self.user_id).messages.rewind(self.id, number)
                self.log = [message for message in self.log if message.position <= number]
            case "begin":
                self.readers.append(Reader(self.reading.messages.follow(self.id, after=number), number))
            case "look" if self.readers:
                await self.look(self.readers[number % len(self.readers)])

    async def look(self, reader: Reader) -> None:
        """Have a reader look, who sees what it has to, and then has nothing left to see."""
        expected = [message for message in self.log if message.position > reader.place]
        assert await reader.look(len(expected)) == expected


@pytest.fixture(scope="module", params=["direct", "pgbouncer"])
async def reading(request: pytest.FixtureRequest, migrated_database: str) -> AsyncIterator[ChatStore]:
    """A store that is told, or one that looks."""
    async with ChatStore(migrated_database, profile=request.param) as store:
        yield store


@given(actions=ACTIONS)
@settings(database)
async def test_a_reader_sees_what_is_there_when_it_looks_and_nothing_else(
    store: ChatStore, reading: ChatStore, actions: list[tuple[str, int]]
) -> None:
    user_id = f"model-{uuid4()}"
    conversation = await store.for_user(user_id).conversations.create()
    world = World(store, reading.for_user(user_id), user_id, conversation.id)
    async with AsyncExitStack() as stack:
        for action, number in [("begin", 0), *actions, ("append", 1)]:
            await world.act(action, number)
        for reader in world.readers:
            await stack.enter_async_context(aclosing(reader.messages))
            if reader.place < world.log[-1].position:
                await world.look(reader)
