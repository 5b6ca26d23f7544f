"""The tables of other libraries, made by their own DDL and filled with rows that the libraries stored."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import ChatStore, ConfigurationError, ToolCall, UserChats
from chat_persistence.connection import make_engine, read_url
from chat_persistence.transfer import Chainlit, GoogleADK, LangChain, OpenAIAgents, TableSource, import_conversations
from chat_persistence.transfer.tables.source import ROWS_AT_ONCE, Tables
from tests.servers import new_migrated_database
from tests.transfer.reading import SAMPLES, Line, seen, stored

ROME: Line = ("user", "A train to Rome, please")
BOOKED: Line = ("assistant", "Booked: 12A.")

LIBRARIES: dict[str, tuple[str, Tables]] = {
    "openai-agents": ("openai_agents.sql", OpenAIAgents(user_id=lambda key: key.partition(":")[0])),
    "langchain": ("langchain_postgres_history.sql", LangChain(user_id="ada", messages_table="chat_history")),
    "chainlit": ("chainlit_data_layer.sql", Chainlit()),
    "adk": ("google_adk.sql", GoogleADK()),
}

IN_A_SCHEMA: dict[str, Tables] = {
    "openai-agents": OpenAIAgents(user_id="ada", schema="theirs"),
    "langchain": LangChain(user_id="ada", messages_table="chat_history", schema="theirs"),
    "chainlit": Chainlit(schema="theirs"),
    "adk": GoogleADK(schema="theirs"),
}

ORIGINALS = {
    "openai-agents": "SELECT message_data FROM agent_messages",
    "langchain": "SELECT message::text FROM chat_history",
    "chainlit": """SELECT row_to_json(s)::text FROM steps AS s JOIN threads AS t ON t.id = "threadId"
        WHERE "userId" IS NOT NULL""",
    "adk": "SELECT event_data::text FROM events",
}

MESSAGE_STORE = """
CREATE TABLE message_store (id serial PRIMARY KEY, session_id text, message text);
INSERT INTO message_store (session_id, message) VALUES
    ('one', '{"type": "human", "data": {"content": "Hello?"}}'),
    ('two', '{"type": "human", "data": {"content": "Anybody?"}}'),
    ('one', '{"type": "AIMessageChunk", "data": {"content": "Hello!"}}');
"""


@pytest.fixture
async def theirs(empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database)
    yield connection
    await connection.close()


@pytest.fixture
async def engine(empty_database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(read_url(empty_database))
    yield engine
    await engine.dispose()


async def import_all(store: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection, library: str) -> Any:
    name, tables = LIBRARIES[library]
    await theirs.execute((SAMPLES / name).read_text())
    return await import_conversations(store, TableSource(engine, tables), on_error="skip")


@pytest.fixture
async def ours(database_url: str) -> AsyncIterator[ChatStore]:
    """A store in a database of its own: the users in the rows are the same in every test."""
    async with new_migrated_database(database_url) as url, ChatStore(url) as store:
        yield store


async def histories(chat: UserChats) -> list[list[Line]]:
    return sorted(seen(messages) for _, messages in await stored(chat))


async def calls(chat: UserChats) -> list[ToolCall]:
    return [call for _, messages in await stored(chat) for message in messages for call in message.tool_calls]


async def test_openai_agents(ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection) -> None:
    report = await import_all(ours, engine, theirs, "openai-agents")

    assert (report.conversations_stored, report.messages_stored, report.bad) == (3, 7, ())
    assert await histories(ours.for_user("ada")) == [[ROME, BOOKED]]
    assert await calls(ours.for_user("ada")) == [
        ToolCall("call_1", "book", '{"to":"Rome"}'),
        ToolCall("call_1", result="12A"),
    ]
    assert await histories(ours.for_user("grace")) == [[("user", "What is this?")]]


async def test_langchain_postgres(ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection) -> None:
    report = await import_all(ours, engine, theirs, "langchain")

    assert (report.conversations_stored, report.messages_stored, report.bad) == (2, 7, ())
    assert await histories(ours.for_user("ada")) == [
        [("user", "A train to Rome, please"), ("assistant", "Sorry,\nit is full.")],
        [("user", "Hello?"), ("assistant", "Hello!")],
    ]
    assert await calls(ours.for_user("ada")) == [
        ToolCall("call_1", "book", '{"to": "Rome"}'),
        ToolCall("call_1", result="full", is_error=True),
    ]


async def test_langchain_community_has_text_and_no_times(
    ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection
) -> None:
    await theirs.execute(MESSAGE_STORE)

    await import_conversations(ours, TableSource(engine, LangChain(user_id="ada")))

    assert await histories(ours.for_user("ada")) == [
        [("user", "Anybody?")],
        [("user", "Hello?"), ("assistant", "Hello!")],
    ]


async def test_chainlit(ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection) -> None:
    report = await import_all(ours, engine, theirs, "chainlit")

    ((conversation, messages),) = await stored(ours.for_user("ada@example.org"))
    assert (conversation.title, seen(messages)) == ("Rome", [ROME, BOOKED])
    assert conversation.metadata["imported"]["native"]["tags"] == ["trains"]
    (call,) = messages[1].tool_calls
    assert (call.name, call.arguments, call.result) == ("book", '{"to": "Rome"}', "12A")
    assert [record.reason for record in report.bad] == ["the thread has no user"]


async def test_google_adk(ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection) -> None:
    report = await import_all(ours, engine, theirs, "adk")

    assert (report.conversations_stored, report.messages_stored, report.bad) == (2, 5, ())
    ((conversation, messages),) = await stored(ours.for_user("ada"))
    assert seen(messages) == [ROME, ("assistant", "Booked:\n12A.")]
    assert conversation.metadata["imported"]["native"]["state"] == {"topic": "rome"}
    assert await calls(ours.for_user("ada")) == [
        ToolCall("adk-1", "book", '{"to": "Rome"}'),
        ToolCall("adk-1", result={"seat": "12A"}),
    ]


@pytest.mark.parametrize("library", LIBRARIES)
async def test_twice_stores_nothing_twice(
    ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection, library: str
) -> None:
    first = await import_all(ours, engine, theirs, library)

    second = await import_conversations(ours, TableSource(engine, LIBRARIES[library][1]), on_error="skip")

    assert (second.conversations_stored, second.messages_stored) == (0, 0)
    assert second.conversations_present == first.conversations_stored > 0


@pytest.mark.parametrize(("library", "originals"), ORIGINALS.items())
async def test_the_original_is_kept(
    ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection, library: str, originals: str
) -> None:
    await import_all(ours, engine, theirs, library)

    expected = [json.loads(row[0]) for row in await theirs.fetch(originals)]
    found = [
        message.native or {"role": message.role, "content": message.content}
        for user in await ours.users()
        for _, messages in await stored(ours.for_user(user))
        for message in messages
    ]
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, expected))


@pytest.mark.parametrize("library", LIBRARIES)
async def test_tables_that_are_not_there_are_named_so(ours: ChatStore, engine: AsyncEngine, library: str) -> None:
    with pytest.raises(ConfigurationError, match="no such tables"):
        await import_conversations(ours, TableSource(engine, LIBRARIES[library][1]))


async def test_what_cannot_be_read_is_told_and_the_rest_imported(
    ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection
) -> None:
    await theirs.execute(MESSAGE_STORE)
    await theirs.execute(
        "INSERT INTO message_store (session_id, message) VALUES ('bad', 'secret'), ('deep', repeat('[', 100000)),"
        """ ('odd', '{"type": 7, "data": {}}'), ('big', '{"type": "human", "data": ' || repeat('9', 5000) || '}')"""
    )

    report = await import_conversations(ours, TableSource(engine, LangChain(user_id="ada")), on_error="skip")

    assert report.conversations_stored == 2
    assert sorted(record.place for record in report.bad) == [
        f"conversation {key}" for key in ("bad", "big", "deep", "odd")
    ]
    assert not [record for record in report.bad if "secret" in record.reason]


@pytest.mark.parametrize("library", LIBRARIES)
async def test_they_may_be_in_a_schema_of_their_own(
    ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection, library: str
) -> None:
    await theirs.execute(
        "CREATE SCHEMA theirs;" + (SAMPLES / LIBRARIES[library][0]).read_text().replace("public.", "theirs.")
    )

    report = await import_conversations(ours, TableSource(engine, IN_A_SCHEMA[library]), on_error="skip")

    assert report.conversations_stored > 0


async def test_sessions_longer_than_a_page_of_the_cursor_stay_whole(
    ours: ChatStore, engine: AsyncEngine, theirs: asyncpg.Connection
) -> None:
    await theirs.execute((SAMPLES / "langchain_postgres_history.sql").read_text())
    await theirs.execute(
        "INSERT INTO chat_history (id, session_id, message) SELECT 100 + n, session_id, message"
        " FROM chat_history CROSS JOIN generate_series(1, $1::int) AS n WHERE id = 2",
        ROWS_AT_ONCE,
    )

    await import_conversations(ours, TableSource(engine, LIBRARIES["langchain"][1]))

    assert [conversation.message_count for conversation, _ in await stored(ours.for_user("ada"))] == [
        5 + ROWS_AT_ONCE,
        2,
    ]
