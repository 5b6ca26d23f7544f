"""Creating and dropping the index for search: again and again, by several at once, beside writers, and after a kill."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import ChatStore, ConfigurationError, MessageCreate, SchemaMismatch, migrations, search_index
from chat_persistence.connection import make_engine, read_url
from chat_persistence.search_index import IndexProgress
from tests.migrations.catalog import describe, fetch, run_script
from tests.migrations.conftest import Alembic
from tests.roles import as_role, new_role

INDEXES = """
    SELECT nspname, relname, indisvalid FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relname LIKE 'ix\\_messages\\_search%' ORDER BY 1, 2
"""
SIMPLE = [("public", "ix_messages_search_simple", True)]
FILL = """
    INSERT INTO conversations (user_id, id) VALUES ('ada', '00000000-0000-0000-0000-000000000001');
    INSERT INTO messages (conversation_id, user_id, position, id, role, content)
    SELECT '00000000-0000-0000-0000-000000000001', 'ada', n, gen_random_uuid(), 'user', 'message ' || n
    FROM generate_series(1, 30000) AS n;
"""
LEFT_BEHIND = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_messages_search_simple'::regclass"
LIMITS = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"


@pytest.fixture
async def engine(engine: AsyncEngine) -> AsyncEngine:
    """An engine on a database with our tables."""
    await migrations.upgrade(engine)
    return engine


@pytest.fixture
async def store(engine: AsyncEngine) -> AsyncIterator[ChatStore]:
    async with ChatStore(engine=engine) as store:
        yield store


async def say(store: ChatStore, content: str) -> None:
    chat = store.for_user("ada")
    conversation = await chat.conversations.create()
    await chat.messages.append(conversation.id, MessageCreate(role="user", content=content))


async def found(store: ChatStore, query: str) -> int:
    return len((await store.for_user("ada").messages.search(query, 1000)).items)


async def test_created_it_finds_what_was_there_and_what_comes(engine: AsyncEngine, store: ChatStore) -> None:
    await say(store, "Rome before")
    await search_index.create(engine)
    await say(store, "Rome after")

    assert await found(store, "rome") == 2


async def test_said_again_it_does_nothing_and_dropped_all_is_as_it_was(engine: AsyncEngine) -> None:
    before = await describe(engine)
    await search_index.create(engine)
    oid = await fetch(engine, "SELECT 'ix_messages_search_simple'::regclass::oid")
    await search_index.create(engine)
    assert await fetch(engine, "SELECT 'ix_messages_search_simple'::regclass::oid") == oid
    for _ in range(2):
        await search_index.drop(engine)

    assert await describe(engine) == before


async def test_of_several_at_once_one_builds(engine: AsyncEngine, empty_database: str) -> None:
    """Those who wait in line are not waited for by the build, or all of them would wait for ever."""
    await run_script(engine, FILL)
    others = [make_engine(read_url(empty_database)) for _ in range(3)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(search_index.create(each) for each in [engine, *others]))
    for other in others:
        await other.dispose()

    assert await fetch(engine, INDEXES) == SIMPLE


async def test_one_that_was_left_behind_is_made_anew(engine: AsyncEngine, store: ChatStore) -> None:
    await search_index.create(engine)
    await run_script(engine, LEFT_BEHIND)
    await say(store, "Rome")
    await search_index.create(engine)

    assert await fetch(engine, INDEXES) == SIMPLE
    assert await found(store, "rome") == 1


async def test_a_build_whose_caller_leaves_is_made_anew_by_the_next(engine: AsyncEngine, store: ChatStore) -> None:
    await run_script(engine, FILL)
    seen: list[IndexProgress] = []
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        # The build waits for us, and shows that it does.
        await connection.execute(text("SELECT txid_current()"))
        await connection.execute(text("LOCK TABLE messages IN ROW EXCLUSIVE MODE"))
        building = asyncio.create_task(search_index.create(engine, on_progress=seen.append))
        while not any(progress.is_waiting for progress in seen):
            await asyncio.sleep(0.05)
        building.cancel()
        await asyncio.wait([building])
    left = await fetch(engine, INDEXES)
    await search_index.create(engine)

    assert left == [("public", "ix_messages_search_simple", False)]
    assert await fetch(engine, INDEXES) == SIMPLE
    assert await found(store, "message") == 1000


async def test_writes_go_on_meanwhile_and_are_found(engine: AsyncEngine, store: ChatStore) -> None:
    await run_script(engine, FILL)
    building = asyncio.create_task(search_index.create(engine))
    said = 0
    while not building.done():
        await say(store, "Rome meanwhile")
        said += 1
    await building

    assert said > 0
    assert await found(store, "rome") == min(said, 1000)


async def test_limits_of_the_session_do_not_end_it_and_are_there_after(
    engine: AsyncEngine, empty_database: str
) -> None:
    impatient = make_engine(read_url(empty_database), pool_size=3)
    limits = ("900ms", "800ms")
    async with impatient.connect() as one, impatient.connect() as two, impatient.connect() as three:
        for each in (one, two, three):
            await each.execute(text("SET statement_timeout = '900ms'"))
            await each.execute(text("SET lock_timeout = '800ms'"))
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        await connection.execute(text("LOCK TABLE messages IN ROW EXCLUSIVE MODE"))
        building = asyncio.create_task(search_index.create(impatient))
        await asyncio.sleep(2)
    await building

    async with impatient.connect() as one, impatient.connect() as two, impatient.connect() as three:
        assert {tuple((await each.execute(text(LIMITS))).one()) for each in (one, two, three)} == {limits}
    await impatient.dispose()
    assert await fetch(engine, INDEXES) == SIMPLE


async def test_each_language_has_one_of_its_own(engine: AsyncEngine) -> None:
    await search_index.create(engine)
    await search_index.create(engine, "german")
    await search_index.drop(engine)

    assert await fetch(engine, INDEXES) == [("public", "ix_messages_search_german", True)]


async def test_in_a_schema_of_its_own(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine, 'A "strange" name: 100%')
    await search_index.create(engine, schema='A "strange" name: 100%')

    assert await fetch(engine, INDEXES) == [('A "strange" name: 100%', "ix_messages_search_simple", True)]


async def test_what_is_printed_makes_the_same(engine: AsyncEngine) -> None:
    await search_index.create(engine)
    created = await describe(engine)
    for statement in search_index.create_sql().splitlines():
        await fetch(engine, statement.replace(":", "\\:"))

    assert await describe(engine) == created
    await fetch(engine, search_index.drop_sql())
    assert await fetch(engine, INDEXES) == []


async def test_a_language_that_postgresql_does_not_know_is_told(engine: AsyncEngine) -> None:
    with pytest.raises(ConfigurationError, match="no text search configuration"):
        await search_index.create(engine, "klingon")
    with pytest.raises(ConfigurationError, match="language of search"):
        await search_index.create(engine, "simple'")


async def test_a_role_that_may_not_is_told_what_to_do(engine: AsyncEngine, empty_database: str) -> None:
    async with new_role(empty_database) as role:
        await run_script(engine, f"GRANT SELECT ON chat_persistence_version, messages TO {role}")
        stranger = make_engine(read_url(as_role(empty_database, role)))
        with pytest.raises(ConfigurationError, match="--sql"):
            await search_index.create(stranger)
        await stranger.dispose()


async def test_tables_that_are_not_there_are_told(engine: AsyncEngine) -> None:
    for act in (search_index.create(engine, schema="chat"), search_index.drop(engine, schema="chat")):
        with pytest.raises(SchemaMismatch):
            await act


async def test_our_own_check_stays_clean_and_our_downgrade_works(engine: AsyncEngine, alembic: Alembic) -> None:
    await search_index.create(engine)

    assert "No new upgrade operations detected" in await alembic("check")
    await migrations.downgrade(engine)
    await migrations.upgrade(engine)
    assert await fetch(engine, INDEXES) == []


async def test_old_revisions_come_and_go_beside_it(engine: AsyncEngine, store: ChatStore) -> None:
    await search_index.create(engine)
    await say(store, "Rome")
    await migrations.downgrade(engine, "cp_0001")
    await migrations.upgrade(engine)

    assert await found(store, "rome") == 1
