"""A session that goes on here with what was stored by the SDK's own class."""

import json
from typing import Any

import asyncpg
import pytest

from chat_persistence import ChatStore
from chat_persistence.connection import make_engine, read_url
from chat_persistence.integrations.openai_agents import ChatSession
from chat_persistence.transfer import OpenAIAgents, TableSource, import_conversations
from tests.frameworks.openai_items import asked
from tests.transfer.reading import SAMPLES

ENVELOPE = {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": "gAAA"}
STORE_ENVELOPE = """
UPDATE agent_messages SET message_data = '{"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": "gAAA"}'
WHERE session_id = 'grace:image'
"""


@pytest.fixture
async def imported(empty_database: str) -> Any:
    """A store with the sessions that were in its database, and what they were."""
    theirs = await asyncpg.connect(empty_database)
    await theirs.execute((SAMPLES / "openai_agents.sql").read_text())
    await theirs.execute(STORE_ENVELOPE)
    rows = await theirs.fetch("SELECT message_data FROM agent_messages WHERE session_id = 'ada:rome' ORDER BY id")
    await theirs.close()
    engine = make_engine(read_url(empty_database))
    async with ChatStore(empty_database) as store:
        await store.migrate()
        source = TableSource(engine, OpenAIAgents(user_id=lambda key: key.partition(":")[0]))
        await import_conversations(store, source)
        yield store, [json.loads(row[0]) for row in rows]
    await engine.dispose()


async def test_a_session_of_the_same_id_goes_on(imported: Any) -> None:
    store, items = imported
    session: Any = ChatSession("ada:rome", store.for_user("ada"))

    assert await session.get_items() == items
    await session.add_items([asked("And back")])
    assert await session.get_items() == [*items, asked("And back")]


async def test_what_was_encrypted_by_the_sdk_comes_back_equal(imported: Any) -> None:
    store, _ = imported

    assert await ChatSession("grace:image", store.for_user("grace")).get_items() == [ENVELOPE]
