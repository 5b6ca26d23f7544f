"""What is left of a fault when it is over: no word of it in a log, and the line, if that was not broken."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import pytest

from chat_persistence import ChatPersistenceError, ChatStore, ConversationRead, MessageCreate, StoreUnavailable
from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.forgery import Forgery, ForgingRelay, refusal

DISMISSED = Forgery(refusal("57P01", "planted words", severity="FATAL"), hangs_up=True)
TURNED_AWAY = Forgery(refusal("28P01", "planted words", severity="FATAL"), greets=True, hangs_up=True)


@dataclass(frozen=True)
class Forged:
    """A store whose only connection leads through a relay that may answer in the server's place."""

    store: ChatStore
    relay: ForgingRelay


@pytest.fixture
async def forged(migrated_database: str) -> AsyncIterator[Forged]:
    relay = ForgingRelay(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        yield Forged(store, relay)


async def test_the_pool_logs_which_failure_it_met_and_not_what_the_server_said(
    forged: Forged, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sqlalchemy")
    forged.relay.forgery = TURNED_AWAY

    with pytest.raises(ChatPersistenceError):
        await forged.store.users()

    assert "planted words" not in caplog.text
    assert "Error (SQLSTATE 28P01)" in caplog.text


async def test_a_line_that_broke_inside_a_unit_of_work_is_not_logged_with_what_the_server_said(
    forged: Forged, user_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sqlalchemy")

    with pytest.raises(StoreUnavailable):
        async with forged.store.unit_of_work(user_id) as work:
            await work.conversations.page()
            forged.relay.forgery = DISMISSED
            await work.conversations.page()

    assert "planted words" not in caplog.text
    assert "Invalidate connection" in caplog.text


@pytest.mark.parametrize("sqlstate", ["40001", "23514"])
async def test_what_the_server_itself_refused_costs_no_connection(
    forged: Forged, conversation: ConversationRead, sqlstate: str
) -> None:
    chat = forged.store.for_user(conversation.user_id)
    await chat.messages.last(conversation.id)
    forged.relay.forgery = Forgery(refusal(sqlstate, "planted words"))
    with pytest.raises(ChatPersistenceError, match=sqlstate):
        await chat.messages.append(conversation.id, MessageCreate(role="user", content="x", id=uuid4()))
    forged.relay.forgery = None

    assert await chat.messages.last(conversation.id) == []
    assert forged.relay.connections == 1


async def test_a_connection_that_could_not_be_set_up_is_closed(
    migrated_database: str, connection: asyncpg.Connection
) -> None:
    relay = ForgingRelay(with_parameters(migrated_database, application_name="set up"))
    relay.forgery = Forgery(refusal("53200", "planted words"))
    async with relay.listening() as url, ChatStore(url) as store:
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="53200"):
                await store.users()

        await asyncio.sleep(0.5)
        left = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'set up'")
        assert (relay.connections, left) == (9, 0)
