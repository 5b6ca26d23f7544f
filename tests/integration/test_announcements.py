"""What is announced, when and to whom; the one connection that hears it; and that none of it stays behind."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chat_persistence import ChatStore, ConversationRead, MessageCreate, UserChats, make_host_engine
from chat_persistence.announcements import announced_name
from chat_persistence.selftest.loop_alarms import loop_alarms
from chat_persistence.selftest.relay import Relay
from chat_persistence.statements.following import lease
from tests.following import backends, following, hearing, is_leased, named, until
from tests.integration.test_query_plans import compilation
from tests.integration.test_twins import Mutant, mutants_of


def hi() -> MessageCreate:
    return MessageCreate(role="user", content="Hi")


@pytest.fixture
async def followed(
    migrated_database: str, user_id: str, conversation: ConversationRead, connection: asyncpg.Connection
) -> AsyncIterator[ConversationRead]:
    """A conversation that another store follows, and hears of."""
    async with (
        ChatStore(migrated_database) as reader,
        following(reader.for_user(user_id).messages.follow(conversation.id)),
    ):
        await until(lambda: is_leased(connection, user_id))
        yield conversation


async def test_what_nobody_follows_is_not_announced(
    migrated_database: str, store: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    async with hearing(migrated_database) as heard:
        await chat.messages.append(conversation.id, hi())
        await chat.messages.append(uuid4(), hi(), create_conversation=True)
        async with store.unit_of_work(user_id) as work:
            await work.messages.append(conversation.id, hi())
        await asyncio.sleep(0.2)

    assert heard == []


async def test_nor_what_was_followed_more_than_a_minute_ago(
    migrated_database: str, chat: UserChats, followed: ConversationRead, connection: asyncpg.Connection
) -> None:
    await connection.execute("UPDATE conversations SET followed_until = now() WHERE id = $1", followed.id)
    async with hearing(migrated_database) as heard:
        await chat.messages.append(followed.id, hi())
        await asyncio.sleep(0.2)

    assert heard == []


async def test_what_is_followed_is_announced_by_a_name_that_tells_nobody_whose_it_is(
    migrated_database: str, chat: UserChats, user_id: str, followed: ConversationRead
) -> None:
    async with hearing(migrated_database) as heard:
        (stored,) = await chat.messages.append(followed.id, hi())
        await chat.messages.append(followed.id, hi(), create_conversation=True)
        await until(lambda: bool(heard))

    assert stored.position == 1
    assert {len(bytes.fromhex(name)) for name in heard} == {16}
    assert not any(part in name for name in heard for part in (user_id, followed.id.hex, "Hi"))


async def test_an_append_that_is_followed_is_answered_in_one_round_trip_and_announced_in_another(
    migrated_database: str, user_id: str, followed: ConversationRead
) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as writer:
        messages = writer.for_user(user_id).messages
        for _ in range(2):  # the first prepares both
            await messages.append(followed.id, hi())
            await asyncio.sleep(0.2)
        before = relay.turns
        await messages.append(followed.id, hi())
        answered = relay.turns - before
        await until(lambda: relay.turns - before == 2)

    assert answered in (1, 2)


async def test_many_at_once_are_announced_together(
    migrated_database: str, chat: UserChats, followed: ConversationRead
) -> None:
    async with hearing(migrated_database) as heard:
        await asyncio.gather(*[chat.messages.append(followed.id, hi()) for _ in range(100)])
        await until(lambda: bool(heard))
        await asyncio.sleep(0.2)

    assert 1 <= len(heard) < 100


async def test_a_store_that_is_closed_at_once_has_announced_it(
    migrated_database: str, user_id: str, followed: ConversationRead
) -> None:
    async with hearing(migrated_database) as heard:
        async with ChatStore(migrated_database) as writer:
            await writer.for_user(user_id).messages.append(followed.id, hi())
        await until(lambda: bool(heard))


@pytest.mark.parametrize("is_hosts", [False, True])
async def test_a_transaction_announces_when_it_is_committed_and_not_at_a_savepoint(
    migrated_database: str,
    store: ChatStore,
    chat: UserChats,
    host_engine: AsyncEngine,
    user_id: str,
    connection: asyncpg.Connection,
    is_hosts: bool,
) -> None:
    """Each conversation once, and the next transaction of the same session only its own."""
    first, second = [(await chat.conversations.create()).id for _ in range(2)]
    await connection.execute("UPDATE conversations SET followed_until = 'infinity' WHERE user_id = $1", user_id)
    async with hearing(migrated_database) as heard, AsyncSession(host_engine) as session:
        for ids in ([first, second, first], [second]):
            heard.clear()
            async with store.unit_of_work(user_id, session=session if is_hosts else None) as work:
                async with work.session.begin_nested():
                    await work.messages.append(ids[0], hi())
                for id in ids[1:]:
                    await work.messages.append(id, hi())
                await asyncio.sleep(0.2)
                assert heard == []
            if is_hosts:
                await session.commit()
            expected = {announced_name(user_id, id) for id in ids}
            await _come(heard, len(expected))
            assert sorted(heard) == sorted(expected)


async def test_a_transaction_that_is_rolled_back_announces_nothing(
    migrated_database: str, store: ChatStore, user_id: str, followed: ConversationRead
) -> None:
    async with hearing(migrated_database) as heard:
        with pytest.raises(LookupError):
            async with store.unit_of_work(user_id) as work:
                await work.messages.append(followed.id, hi())
                raise LookupError
        await asyncio.sleep(0.2)

    assert heard == []


async def test_a_hosts_session_may_outlive_the_store(
    migrated_database: str, host_engine: AsyncEngine, user_id: str, followed: ConversationRead
) -> None:
    with loop_alarms() as alarms:
        async with AsyncSession(host_engine) as session:
            async with (
                ChatStore(migrated_database) as store,
                store.unit_of_work(user_id, session=session) as work,
            ):
                (stored,) = await work.messages.append(followed.id, hi())
            await session.commit()
        assert alarms() == 0

    assert stored.position == 1


async def test_all_who_follow_by_one_store_share_one_connection_which_goes_with_the_last(
    migrated_database: str, chat: UserChats, user_id: str, connection: asyncpg.Connection
) -> None:
    name = f"readers {uuid4()}"
    conversations = [await chat.conversations.create() for _ in range(3)]
    async with ChatStore(named(migrated_database, name), pool_size=1) as reader:
        messages = reader.for_user(user_id).messages
        await reader.users(limit=1)
        assert len(await backends(connection, name)) == 1
        async with aclosing(messages.follow(conversations[0].id, after=0)) as idle:
            task = asyncio.ensure_future(anext(idle))
            for conversation in conversations:
                async with following(messages.follow(conversation.id, after=0)) as follower:
                    await chat.messages.append(conversation.id, hi())
                    await follower.reach(1)
                    assert len(await backends(connection, name)) == 2
            await task
        await until(lambda: _is_count(connection, name, 1))


async def test_on_a_hosts_engine_that_connection_is_made_as_the_host_makes_them_and_taken_out_of_its_pool(
    migrated_database: str,
    chat: UserChats,
    user_id: str,
    conversation: ConversationRead,
    connection: asyncpg.Connection,
) -> None:
    name = f"host {uuid4()}"
    engine = make_host_engine(named(migrated_database, name), pool_size=1, max_overflow=0)
    async with ChatStore(engine=engine) as reader:
        async with following(reader.for_user(user_id).messages.follow(conversation.id)) as follower:
            await until(lambda: is_leased(connection, user_id))
            async with engine.connect():
                assert len(await backends(connection, name)) == 2
            await chat.messages.append(conversation.id, hi())
            await follower.reach(1)
        await until(lambda: _is_count(connection, name, 1))
    await engine.dispose()


async def test_a_connection_that_is_lost_is_made_anew(
    migrated_database: str,
    chat: UserChats,
    user_id: str,
    conversation: ConversationRead,
    connection: asyncpg.Connection,
) -> None:
    """And what was stored meanwhile is looked for."""
    name = f"readers {uuid4()}"
    async with (
        ChatStore(named(migrated_database, name)) as reader,
        following(reader.for_user(user_id).messages.follow(conversation.id)) as follower,
    ):
        await until(lambda: is_leased(connection, user_id))
        for number in range(1, 4):
            lost = await backends(connection, name)
            await connection.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", lost)
            await chat.messages.append(conversation.id, hi())
            await follower.reach(number)
            await until(lambda: _is_listening(connection, name))


async def test_a_storm_of_readers_who_come_and_go_leaves_nothing_behind(
    migrated_database: str, chat: UserChats, user_id: str, connection: asyncpg.Connection
) -> None:
    """Cancelled at any of their steps, closed, or left to the garbage collector in the middle of a page."""
    name, chance = f"readers {uuid4()}", random.Random(0)  # noqa: S311
    conversations = [await chat.conversations.create() for _ in range(4)]
    for conversation in conversations:
        await chat.messages.append(conversation.id, hi(), hi())

    async def read(reader: ChatStore) -> None:
        seen = 0
        async for _ in reader.for_user(user_id).messages.follow(chance.choice(conversations).id, after=0):
            seen += 1
            if seen == chance.randint(1, 3):
                return

    with loop_alarms() as alarms:
        async with ChatStore(named(migrated_database, name), pool_size=2) as reader:
            before = asyncio.all_tasks()
            for _ in range(40):
                tasks = [asyncio.create_task(read(reader)) for _ in range(10)]
                await asyncio.sleep(chance.uniform(0, 0.02))
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await until(lambda: asyncio.all_tasks() <= before)
            async with asyncio.timeout(10):
                await asyncio.gather(*[reader.users(limit=1) for _ in range(4)])
            await until(lambda: _is_at_most(connection, name, 2))
        await until(lambda: _is_count(connection, name, 0))
        assert alarms() == 0


LEASES = {str(number): mutant for number, mutant in enumerate(mutants_of(lease), 1)}


@pytest.mark.parametrize("mutant", LEASES.values(), ids=LEASES)
async def test_an_owner_that_a_lease_forgets_is_noticed(
    store: ChatStore, connection: asyncpg.Connection, user_id: str, conversation: ConversationRead, mutant: Mutant
) -> None:
    """Not through the public face, which shows nobody's leases."""
    neighbour = store.for_user(f"a-{uuid4()}")
    await neighbour.conversations.create(id=conversation.id)
    healthy = compilation[lease]
    outcomes = []
    for sql in (healthy.sql, mutant.sql):
        try:
            await connection.fetch(sql, *healthy.arguments({"owner": user_id, "chat": conversation.id}))
            leased = "SELECT user_id FROM conversations WHERE id = $1 AND followed_until > now()"
            outcomes.append([row[0] for row in await connection.fetch(leased, conversation.id)])
        except asyncpg.CardinalityViolationError:
            outcomes.append([])

    assert outcomes[0] == [user_id] != outcomes[1]


async def test_a_lease_moves_nothing_that_anybody_sees(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    assert len(await _lease(connection, conversation)) == 1
    assert await chat.conversations.get(conversation.id) == conversation


@pytest.mark.parametrize(("lock", "is_had"), [("KEY SHARE", True), ("NO KEY UPDATE", False)])
async def test_a_lease_waits_for_nobody_and_is_not_had_while_somebody_changes_the_row(
    migrated_database: str, conversation: ConversationRead, connection: asyncpg.Connection, lock: str, is_had: bool
) -> None:
    """Whoever stores a message has a share of the row's key until the commit."""
    holder = await asyncpg.connect(migrated_database)
    async with holder.transaction():
        await holder.execute(f"SELECT FROM conversations WHERE id = $1 FOR {lock}", conversation.id)
        async with asyncio.timeout(5):
            rows = await _lease(connection, conversation)
    await holder.close()

    assert bool(rows) == is_had


async def _lease(connection: asyncpg.Connection, conversation: ConversationRead) -> list[asyncpg.Record]:
    arguments = {"owner": conversation.user_id, "chat": conversation.id}
    rows: list[asyncpg.Record] = await connection.fetch(
        compilation[lease].sql, *compilation[lease].arguments(arguments)
    )
    return rows


async def _come(heard: list[str], count: int) -> None:
    await until(lambda: len(heard) >= count)


async def _is_count(connection: asyncpg.Connection, name: str, count: int) -> bool:
    return len(await backends(connection, name)) == count


async def _is_at_most(connection: asyncpg.Connection, name: str, count: int) -> bool:
    return len(await backends(connection, name)) <= count


async def _is_listening(connection: asyncpg.Connection, name: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN%'"
    return bool(await connection.fetchval(query, name))
