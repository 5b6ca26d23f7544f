"""The round trips of a session, beside those of the SDK's own `SQLAlchemySession` on the same PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import pytest
from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

from chat_persistence import ChatStore
from chat_persistence.integrations.openai_agents import ChatSession
from chat_persistence.selftest.relay import Relay
from tests.frameworks.openai_agents_suite.exceptions import VERSION
from tests.frameworks.openai_items import asked, said

TURN = [asked("A train to Rome"), said("Booked: 12A.")]

CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "add_items": lambda session: session.add_items(TURN),
    "get_items": lambda session: session.get_items(50),
    "pop_item": lambda session: session.pop_item(),
    "clear_session": lambda session: session.clear_session(),
}


OURS = {"add_items": 1, "get_items": 1, "pop_item": 2, "clear_session": 1}


async def turns(relay: Relay, make: Callable[[], Any]) -> dict[str, int]:
    """Return how often each call waits for an answer, once all is connected and prepared."""
    counts = {}
    for _ in range(2):
        session = make()
        await session.add_items(TURN * 3)
        for name, call in CALLS.items():
            before = relay.turns
            await call(session)
            counts[name] = relay.turns - before
    return counts


@pytest.fixture
async def relayed(migrated_database: str) -> AsyncIterator[tuple[Relay, str]]:
    relay = Relay(migrated_database)
    async with relay.listening() as url:
        yield relay, url


async def test_ours_waits_once_to_append_and_to_read(relayed: tuple[Relay, str], user_id: str) -> None:
    relay, url = relayed
    async with ChatStore(url, pool_size=1) as store:
        counts = await turns(relay, lambda: ChatSession(f"{uuid4()}", store.for_user(user_id)))

    assert counts == OURS


async def test_theirs_waits_oftener(relayed: tuple[Relay, str]) -> None:
    relay, url = relayed
    engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"), pool_size=1)
    try:
        counts = await turns(relay, lambda: SQLAlchemySession(f"{uuid4()}", engine=engine, create_tables=True))
    finally:
        await engine.dispose()

    if version("openai-agents") == VERSION:
        assert counts == {"add_items": 6, "get_items": 3, "pop_item": 4, "clear_session": 5}  # as the README says
    assert all(counts[name] > ours for name, ours in OURS.items()), counts
