"""The round trips on the wire, warm: one for every single operation."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from chat_persistence import ChatStore, ConversationUpdate, MessageCreate, MetadataSwap, UserChats
from chat_persistence.selftest.relay import Relay
from tests.roles import Walled, new_walled_database


@dataclass(frozen=True)
class Counted:
    """A store whose only connection leads through a counting proxy."""

    store: ChatStore
    relay: Relay
    profile: str = "direct"

    async def turns(self, call: Callable[[], Awaitable[Any]]) -> int:
        await call()  # warm: connected, and the statement prepared
        before = self.relay.turns
        await call()
        return self.relay.turns - before


@pytest.fixture
async def direct(migrated_database: str) -> AsyncIterator[Counted]:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        yield Counted(store, relay)


@pytest.fixture
async def pooled(migrated_database: str) -> AsyncIterator[Counted]:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1, profile="pgbouncer") as store:
        yield Counted(store, relay)


@pytest.fixture(scope="module")
async def walled(database_url: str) -> AsyncIterator[Walled]:
    async with new_walled_database(database_url) as walled:
        yield walled


@pytest.fixture(params=["direct", "pgbouncer"])
async def secured(walled: Walled, request: pytest.FixtureRequest) -> AsyncIterator[Counted]:
    """Under row-level security."""
    relay = Relay(walled.application)
    options: dict[str, Any] = {"row_level_security": True, "profile": request.param, "pool_size": 1}
    async with relay.listening() as url, ChatStore(url, **options) as store:
        yield Counted(store, relay, request.param)


def message(id: UUID | None = None) -> MessageCreate:
    return MessageCreate(id=id or uuid4(), role="user", content="Hi")


async def received(chat: UserChats, id: UUID, *, in_parts: int = 0) -> None:
    async with chat.drafts.begin(id) as reply:
        for number in range(in_parts):
            await reply.write(f"{number} ")
            await reply.flush()
        await reply.write("the end")


async def left_behind(chat: UserChats, id: UUID) -> UUID:
    draft = await chat.drafts.begin(id, flush_seconds=3_600).__aenter__()
    await draft.write("Hi")
    await draft.flush()
    return draft.id


def swap(expected: dict[str, Any] | None = None) -> MetadataSwap:
    return MetadataSwap("run", {"token": 1}, expected)


Call = Callable[[UserChats, UUID, UUID], Awaitable[Any]]

SINGLE: dict[str, Call] = {
    "create": lambda chat, id, m: chat.conversations.create(),
    "get": lambda chat, id, m: chat.conversations.get(id),
    "get_with_messages": lambda chat, id, m: chat.conversations.get_with_messages(id),
    "page of conversations": lambda chat, id, m: chat.conversations.page(),
    "update": lambda chat, id, m: chat.conversations.update(id, ConversationUpdate(metadata={"a": 1})),
    "swap": lambda chat, id, m: chat.conversations.swap_metadata(id, swap()),
    "rename": lambda chat, id, m: chat.conversations.rename(id, "x"),
    "archive": lambda chat, id, m: chat.conversations.archive(id),
    "unarchive": lambda chat, id, m: chat.conversations.unarchive(id),
    "fork": lambda chat, id, m: chat.conversations.fork(id, 1),
    "fork again": lambda chat, id, m: chat.conversations.fork(id, 1, fork_id=uuid5(id, "fork")),
    "usage": lambda chat, id, m: chat.conversations.usage(id),
    "append one": lambda chat, id, m: chat.messages.append(id, message()),
    "append a hundred": lambda chat, id, m: chat.messages.append(id, *[message() for _ in range(100)]),
    "append at a position": lambda chat, id, m: chat.messages.append(
        id, message(uuid5(id, "next")), expected_position=1
    ),
    "append and create": lambda chat, id, m: chat.messages.append(uuid4(), message(), create_conversation=True),
    "append and swap": lambda chat, id, m: chat.messages.append(id, message(uuid5(id, "next")), swap=swap()),
    "append, create and swap": lambda chat, id, m: chat.messages.append(
        uuid4(), message(), create_conversation=True, swap=swap()
    ),
    "last": lambda chat, id, m: chat.messages.last(id, 50),
    "last by whole turns": lambda chat, id, m: chat.messages.last(id, 50, whole_turns=True),
    "last within a budget": lambda chat, id, m: chat.messages.last(id, whole_turns=True, max_tokens=8000),
    "last_turns": lambda chat, id, m: chat.messages.last_turns(id, 3),
    "page": lambda chat, id, m: chat.messages.page(id),
    "page before": lambda chat, id, m: chat.messages.page(id, before=2),
    "page after": lambda chat, id, m: chat.messages.page(id, after=0),
    "search": lambda chat, id, m: chat.messages.search("Hi"),
    "search for nothing": lambda chat, id, m: chat.messages.search("-Hi"),
    "message": lambda chat, id, m: chat.messages.get(m),
    "through a message": lambda chat, id, m: chat.messages.through(m, 1000),
    "rewind": lambda chat, id, m: chat.messages.rewind(id, 1),
    "rewind expecting": lambda chat, id, m: chat.messages.rewind(id, 1, expected_position=1),
    "part of a draft": lambda chat, id, m: left_behind(chat, id),
    "end of a draft": lambda chat, id, m: received(chat, id),
    "page of drafts": lambda chat, id, m: chat.drafts.page(id),
    "discard": lambda chat, id, m: chat.drafts.discard(id, m),
}


@pytest.mark.parametrize("name", SINGLE)
async def test_a_single_operation_is_one_round_trip(direct: Counted, user_id: str, name: str) -> None:
    chat = direct.store.for_user(user_id)
    conversation = await chat.conversations.create()
    (stored,) = await chat.messages.append(conversation.id, message())

    assert await direct.turns(lambda: SINGLE[name](chat, conversation.id, stored.id)) == 1


@pytest.mark.parametrize("name", SINGLE)
async def test_the_first_on_a_connection_is_one_more_to_prepare_it(
    direct: Counted, chat: UserChats, user_id: str, name: str
) -> None:
    """Nothing is asked about types: the driver would change a setting of the session for it."""
    conversation = await chat.conversations.create()
    (stored,) = await chat.messages.append(conversation.id, message())
    await direct.store.users(limit=1)
    before = direct.relay.turns

    await SINGLE[name](direct.store.for_user(user_id), conversation.id, stored.id)

    assert direct.relay.turns - before == 2


async def test_a_reply_is_one_for_each_part_and_one_for_its_end(direct: Counted, user_id: str) -> None:
    chat = direct.store.for_user(user_id)
    conversation = await chat.conversations.create()

    assert await direct.turns(lambda: received(chat, conversation.id, in_parts=10)) == 11


async def test_a_draft_of_a_dead_process_is_read_and_finished_in_two(direct: Counted, user_id: str) -> None:
    chat = direct.store.for_user(user_id)
    conversation = await chat.conversations.create()
    ids = iter([await left_behind(chat, conversation.id) for _ in range(2)])

    assert await direct.turns(lambda: chat.drafts.finish(conversation.id, next(ids))) == 2


async def test_a_delete_is_one_round_trip(direct: Counted, user_id: str) -> None:
    chat = direct.store.for_user(user_id)
    first, second = [await chat.conversations.create() for _ in range(2)]
    ids = iter([first.id, second.id])

    assert await direct.turns(lambda: chat.conversations.delete(next(ids))) == 1


@pytest.mark.parametrize("name", SINGLE)
async def test_a_pooler_without_prepared_statements_makes_it_two(pooled: Counted, user_id: str, name: str) -> None:
    chat = pooled.store.for_user(user_id)
    conversation = await chat.conversations.create()
    (stored,) = await chat.messages.append(conversation.id, message())

    assert await pooled.turns(lambda: SINGLE[name](chat, conversation.id, stored.id)) == 2


@pytest.mark.parametrize("name", sorted(set(SINGLE) - {"rewind", "rewind expecting"}))
async def test_row_level_security_makes_it_four_and_six_without_prepared_statements(
    secured: Counted, user_id: str, name: str
) -> None:
    """BEGIN, the setting, the statement, COMMIT."""
    chat = secured.store.for_user(user_id)
    conversation = await chat.conversations.create()
    (stored,) = await chat.messages.append(conversation.id, message())

    turns = await secured.turns(lambda: SINGLE[name](chat, conversation.id, stored.id))

    assert turns == {"direct": 4, "pgbouncer": 6}[secured.profile]


@pytest.mark.parametrize("operations", [1, 3])
async def test_row_level_security_costs_a_unit_of_work_one_more(
    secured: Counted, user_id: str, operations: int
) -> None:
    async def unit() -> None:
        async with secured.store.unit_of_work(user_id) as work:
            for _ in range(operations):
                await work.conversations.create()

    expected = {"direct": operations + 3, "pgbouncer": 2 * operations + 4}
    assert await secured.turns(unit) == expected[secured.profile]


@pytest.mark.parametrize("operations", [1, 3])
async def test_a_unit_of_work_is_two_more_than_its_operations(direct: Counted, user_id: str, operations: int) -> None:
    async def unit() -> None:
        async with direct.store.unit_of_work(user_id) as work:
            for _ in range(operations):
                await work.conversations.create()

    assert await direct.turns(unit) == operations + 2


async def test_on_a_hosts_engine_a_single_operation_is_one_and_a_commit_is_read_twice(
    migrated_database: str, user_id: str
) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://").partition("?")[0])
        async with ChatStore(engine=engine) as store:
            counting = Counted(store, relay)

            async def unit() -> None:
                async with store.unit_of_work(user_id) as work:
                    await work.conversations.create()

            assert await counting.turns(lambda: store.for_user(user_id).conversations.create()) == 1
            assert await counting.turns(unit) == 1 + 3
        await engine.dispose()
