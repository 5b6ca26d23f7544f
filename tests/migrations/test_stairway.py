"""Every revision up, down and up again, with rows in the tables."""

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import migrations
from tests.migrations.catalog import describe, fetch, run_script

ROWS = """
    INSERT INTO conversations (user_id, id, title, last_position, message_count, archived_at) VALUES
        ('ada', '00000000-0000-7000-8000-000000000001', 'Rome', 2, 2, NULL),
        ('eve', '00000000-0000-7000-8000-000000000002', NULL, 0, 0, now());
    INSERT INTO messages (conversation_id, user_id, position, id, role, content, tool_calls, native) VALUES
        ('00000000-0000-7000-8000-000000000001', 'ada', 1, gen_random_uuid(), 'user', 'Hi', NULL, NULL),
        ('00000000-0000-7000-8000-000000000001', 'ada', 2, gen_random_uuid(), 'assistant', '', '[]', '{}');
"""
STORED = "SELECT m.position, m.role, m.content, c.title FROM messages AS m JOIN conversations AS c USING (user_id)"
REVISIONS = [
    revision.revision
    for revision in reversed(list(ScriptDirectory.from_config(migrations.configuration()).walk_revisions()))
]


@pytest.mark.parametrize("revision", REVISIONS)
async def test_each_step_can_be_taken_back_and_again(engine: AsyncEngine, revision: str) -> None:
    await migrations.upgrade(engine, revision=revision)
    once = await describe(engine)
    await run_script(engine, ROWS)
    await migrations.downgrade(engine, revision="-1")
    await migrations.upgrade(engine, revision="+1")

    assert await describe(engine) == once


async def test_rows_live_through_an_upgrade(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine, revision=REVISIONS[0])
    await run_script(engine, ROWS)
    before = await fetch(engine, STORED)
    await migrations.upgrade(engine)

    assert len(before) == 2
    assert before == await fetch(engine, STORED)


async def test_all_the_way_down_leaves_nothing_but_an_empty_record(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    await run_script(engine, ROWS)
    await migrations.downgrade(engine)

    assert await fetch(engine, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [
        ("chat_persistence_version",),
        ("chat_persistence_version_pkc",),
    ]
    assert (await migrations.status(engine)).current is None
