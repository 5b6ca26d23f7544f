"""Pruning: which conversations go, what stays, and who writes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ConversationNotFound,
    InsufficientPrivilege,
    InvalidInput,
    MessageCreate,
    MessageLoad,
    PruneReport,
)
from tests.hashes import rows_of_others
from tests.roles import new_walled_database
from tests.servers import new_migrated_database

NOON = datetime(2020, 2, 2, 12, tzinfo=UTC)
TODAY = NOON + timedelta(days=100)


def said(count: int, moment: datetime = NOON) -> list[MessageLoad]:
    return [MessageLoad(role="user", content=f"message {number}", created_at=moment) for number in range(count)]


def conversation(user_id: str, days: int, size: int = 1, *, archived: bool = False) -> ConversationLoad:
    """Return a conversation whose last activity was so many days ago."""
    moment = TODAY - timedelta(days=days)
    return ConversationLoad(
        user_id=user_id,
        id=uuid4(),
        messages=said(size, moment),
        created_at=moment,
        updated_at=moment,
        archived_at=moment if archived else None,
    )


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[str]:
    """The URL of a database where nobody else works: a prune is of everybody."""
    async with new_migrated_database(database_url) as url:
        yield url


@pytest.fixture(scope="module")
async def store(database: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(database) as store:
        yield store


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to that database, which is emptied afterwards."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.execute("TRUNCATE conversations CASCADE")
    await connection.close()


async def ids_of(connection: asyncpg.Connection) -> set[UUID]:
    return {row["id"] for row in await connection.fetch("SELECT id FROM conversations")}


sources = st.builds(
    conversation,
    st.sampled_from(["ada", "eve", "\U0001f469"]),
    st.integers(0, 9),
    st.integers(0, 3),
    archived=st.booleans(),
)


@given(given=st.lists(sources, max_size=12), days=st.integers(0, 10), archived=st.none() | st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_goes_is_what_a_plain_model_says(
    store: ChatStore,
    connection: asyncpg.Connection,
    given: list[ConversationLoad],
    days: int,
    archived: bool | None,
) -> None:
    await connection.execute("TRUNCATE conversations CASCADE")
    await store.load(given)
    before = TODAY - timedelta(days=days)
    old = [
        each
        for each in given
        if each.updated_at is not None and each.updated_at < before and archived in (None, each.archived_at is not None)
    ]
    model = PruneReport(
        before,
        dry_run=True,
        examined=len(given),
        active=sum(each.archived_at is None for each in old),
        archived=sum(each.archived_at is not None for each in old),
        messages=sum(len(each.messages) for each in old),
    )

    dry = await store.prune(before, archived=archived, dry_run=True)
    still_there = await ids_of(connection)
    report = await store.prune(before, archived=archived)

    assert dry == model
    assert (report.active, report.archived, report.messages) == (model.active, model.archived, model.messages)
    assert still_there == {each.id for each in given}
    assert await ids_of(connection) == still_there - {each.id for each in old}
    assert await connection.fetchval("SELECT count(*) FROM messages") == sum(
        len(each.messages) for each in given if each not in old
    )
    assert (await store.prune(before, archived=archived)).conversations == 0


async def test_an_age_is_by_the_clock_of_the_server(store: ChatStore, connection: asyncpg.Connection) -> None:
    await store.load([conversation("ada", 0)])
    await store.for_user("ada").conversations.create()

    report = await store.prune(timedelta(days=1))

    now = await connection.fetchval("SELECT now()")
    assert (report.active, report.examined) == (1, 2)
    assert abs(now - timedelta(days=1) - report.before) < timedelta(minutes=1)
    assert report.to_dict() == {
        "before": report.before.isoformat(),
        "dry_run": False,
        "examined": 2,
        "conversations": 1,
        "active": 1,
        "archived": 0,
        "messages": 1,
    }


@pytest.mark.usefixtures("connection")
@pytest.mark.parametrize("older_than", [timedelta.max, datetime(1, 1, 1, tzinfo=UTC)])
async def test_nothing_is_as_old_as_that(store: ChatStore, older_than: timedelta | datetime) -> None:
    await store.load([conversation("ada", 0)])

    assert (await store.prune(older_than)).conversations == 0


@pytest.mark.parametrize(
    "older_than",
    [
        timedelta(microseconds=-1),
        datetime(2020, 2, 2),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        90,
        None,
    ],
)
async def test_what_is_no_age_and_no_moment_is_refused(store: ChatStore, older_than: Any) -> None:
    with pytest.raises(InvalidInput):
        await store.prune(older_than)


@pytest.mark.usefixtures("connection")
async def test_it_looks_at_so_many_and_deletes_so_many_at_a_time(store: ChatStore) -> None:
    """1,000 conversations are looked at; with 5,000 messages to delete it is enough; a longer one goes alone."""
    await store.load(conversation("ada", 1) for _ in range(1_500))
    sizes = (4_000, 4_000, 6_000, 4_000, 9_000)
    in_order = sorted(uuid4() for _ in sizes)  # in which they are walked
    await store.load(
        conversation("bob", 50, size).model_copy(update={"id": id}) for id, size in zip(in_order, sizes, strict=True)
    )
    told: list[PruneReport] = []

    report = await store.prune(TODAY - timedelta(days=10), on_progress=told.append)

    assert told[-1] == report
    assert (report.examined, report.active, report.messages) == (1_505, 5, 27_000)
    steps = [later.examined - earlier.examined for earlier, later in pairwise(told)]
    assert [told[0].examined, *steps] == [1_000, 502, 1, 2]


async def test_one_that_is_used_while_it_waits_for_it_stays(store: ChatStore, connection: asyncpg.Connection) -> None:
    """It is looked at again, under its lock."""
    old, used = conversation("ada", 50), conversation("ada", 50, archived=True)
    await store.load([old, used])
    async with store.unit_of_work("ada") as work:
        await work.messages.append(used.id, MessageCreate(role="user", content="Hi"))
        pruning = asyncio.create_task(store.prune(TODAY - timedelta(days=10)))
        await until_somebody_waits(connection)

    assert (await pruning).conversations == 1
    assert await ids_of(connection) == {used.id}
    assert len(await store.for_user("ada").messages.last(used.id)) == 2


async def until_somebody_waits(connection: asyncpg.Connection) -> None:
    async with asyncio.timeout(5):
        while not await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)


async def test_beside_fifty_writers_what_is_used_stays_whole_and_nobody_else_is_touched(
    store: ChatStore, connection: asyncpg.Connection
) -> None:
    old = [conversation(f"user-{number % 50}", 50, 3, archived=number % 3 == 0) for number in range(2_000)]
    used = old[:200]
    await store.load(old)
    await store.load(conversation("quiet", 1, 3) for _ in range(50))
    before = await rows_of_others(connection, "", only="quiet")

    bumped: set[UUID] = set()

    async def write(number: int) -> None:
        for source in used[number::50]:
            messages = store.for_user(source.user_id).messages
            with suppress(ConversationNotFound):  # it was pruned first
                await messages.append(source.id, *said_now(2))
                bumped.add(source.id)
            await messages.append(uuid4(), *said_now(2), create_conversation=True)

    writing = [asyncio.create_task(write(number)) for number in range(50)]
    while not bumped:
        await asyncio.sleep(0.001)
    report = await store.prune(TODAY - timedelta(days=10))
    await asyncio.gather(*writing)
    again = await store.prune(TODAY - timedelta(days=10))

    left = await ids_of(connection)
    assert bumped <= left
    assert not left & ({source.id for source in old} - bumped)
    assert report.conversations + again.conversations == 2_000 - len(bumped)
    assert report.messages + again.messages == 3 * (2_000 - len(bumped))
    assert await rows_of_others(connection, "", only="quiet") == before
    assert (
        await connection.fetchval(
            "SELECT count(*) FROM conversations AS c WHERE message_count <>"
            " (SELECT count(*) FROM messages AS m WHERE (m.user_id, m.conversation_id) = (c.user_id, c.id))"
        )
        == 0
    )


def said_now(count: int) -> list[MessageCreate]:
    return [MessageCreate(role="user", content="Hi") for _ in range(count)]


async def test_two_at_once_delete_each_conversation_once(store: ChatStore, connection: asyncpg.Connection) -> None:
    await store.load(conversation(f"user-{number % 7}", 50, 2) for number in range(3_000))

    both = await asyncio.gather(*[store.prune(TODAY) for _ in range(2)])

    assert sum(report.conversations for report in both) == 3_000
    assert await ids_of(connection) == set()


async def test_it_is_the_work_of_the_maintenance_role(database_url: str) -> None:
    async with new_walled_database(database_url) as walled:
        async with ChatStore(walled.application, row_level_security=True) as store:
            await store.for_user("ada").conversations.create()
            with pytest.raises(InsufficientPrivilege):
                await store.prune(timedelta(0))
        async with ChatStore(walled.maintenance) as store:
            assert (await store.prune(timedelta(0))).active == 1
