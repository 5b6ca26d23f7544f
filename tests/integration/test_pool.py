"""The connections of a store: first come, first served, kept for the next operation, shared with units of work."""

import asyncio
import time

import asyncpg
import pytest

from chat_persistence import ChatStore, MessageCreate, PoolTimeout, StoreUnavailable


async def test_many_callers_at_once_are_served_in_the_order_in_which_they_came(
    migrated_database: str, user_id: str
) -> None:
    served: list[int] = []

    async def call(store: ChatStore, number: int) -> None:
        await store.for_user(user_id).conversations.page(1)
        served.append(number)

    async with ChatStore(migrated_database, pool_size=1) as store:
        await asyncio.gather(*[call(store, number) for number in range(200)])

    assert served == list(range(200))


async def test_a_loop_of_calls_does_not_starve_the_others(migrated_database: str, user_id: str) -> None:
    """Who has just returned a connection stands at the end of the line."""
    counts = dict.fromkeys(range(8), 0)
    stop = asyncio.Event()

    async def call(store: ChatStore, number: int) -> None:
        while not stop.is_set():
            await store.for_user(user_id).conversations.page(1)
            counts[number] += 1

    async with ChatStore(migrated_database, pool_size=1) as store:
        await asyncio.gather(*[store.for_user(user_id).conversations.page(1) for _ in counts])
        calling = asyncio.gather(*[call(store, number) for number in counts])
        await asyncio.sleep(0.5)
        stop.set()
        await calling

    assert max(counts.values()) - min(counts.values()) <= 2


async def test_a_pool_that_stays_busy_is_a_pool_timeout_within_its_limit(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, pool_size=1, pool_timeout=0.2) as store:
        async with store.unit_of_work(user_id) as work:
            await work.conversations.create()
            started = time.monotonic()
            with pytest.raises(PoolTimeout) as caught:
                await store.for_user(user_id).conversations.page()
            with pytest.raises(PoolTimeout):
                async with store.unit_of_work(user_id):
                    pass
            assert time.monotonic() - started < 0.2 + 0.2 + 1
        await store.for_user(user_id).conversations.page()

    assert caught.value.retryable


async def test_units_of_work_and_single_operations_share_one_connection(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, pool_size=1, pool_timeout=5) as store:
        chat = store.for_user(user_id)

        async def unit() -> None:
            async with store.unit_of_work(user_id) as work:
                conversation = await work.conversations.create()
                await work.messages.append(conversation.id, MessageCreate(role="user", content="Hi"))

        await asyncio.gather(*[unit() for _ in range(5)], *[chat.conversations.page() for _ in range(5)])
        await store.check()

        assert len((await chat.conversations.page()).items) == 5


async def test_callers_who_gave_up_waiting_leave_no_gap_in_the_line(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, pool_size=2, pool_timeout=5) as store:
        chat = store.for_user(user_id)
        for _ in range(20):
            calls = [asyncio.create_task(chat.conversations.page(1)) for _ in range(20)]
            await asyncio.sleep(0.001)
            for call in calls[::2]:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

        assert len(await asyncio.gather(*[chat.conversations.page(1) for _ in range(50)])) == 50


async def test_a_connection_that_did_not_answer_in_time_is_not_given_to_anybody_else(
    migrated_database: str, user_id: str
) -> None:
    async with ChatStore(migrated_database, pool_size=1, command_timeout=0.2) as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        async with ChatStore(migrated_database) as other, other.unit_of_work(user_id) as holding:
            await holding.conversations.rename(conversation.id, "held")
            with pytest.raises(StoreUnavailable) as caught:
                await chat.conversations.rename(conversation.id, "late")

        assert (await chat.conversations.get(conversation.id)).title == "held"
    assert caught.value.retryable


async def test_a_store_never_has_more_connections_than_its_pool(
    migrated_database: str, user_id: str, connection: asyncpg.Connection
) -> None:
    async with ChatStore(migrated_database.replace("?", "?application_name=counted&"), pool_size=3) as store:
        chat = store.for_user(user_id)

        async def unit() -> None:
            async with store.unit_of_work(user_id) as work:
                await work.conversations.page()

        await asyncio.gather(*[unit() if number % 3 else chat.conversations.page() for number in range(60)])
        rows = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'"
        assert await connection.fetchval(rows) <= 3
