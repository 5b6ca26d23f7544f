"""What PostgreSQL does to read another library's tables: each row of them once, however many there are."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.transfer.reading import SAMPLES
from tests.transfer.test_foreign_tables import LIBRARIES

MANY = {
    "openai-agents": """
        INSERT INTO agent_sessions (session_id) SELECT 'many:' || n FROM generate_series(1, 500) AS n;
        INSERT INTO agent_messages (id, session_id, message_data)
            SELECT n + 1000, 'many:' || n % 500 + 1, '{}' FROM generate_series(1, 10000) AS n;""",
    "langchain": """
        INSERT INTO chat_history (id, session_id, message)
            SELECT n + 1000, lpad(to_hex(n % 500), 32, '0')::uuid, '{}' FROM generate_series(1, 10000) AS n;""",
    "chainlit": """
        INSERT INTO users (id, identifier, metadata, "createdAt")
            SELECT lpad(to_hex(n), 32, '0')::uuid, n, '{}', '' FROM generate_series(1, 100) AS n;
        INSERT INTO threads (id, "userId")
            SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n % 100 + 1), 32, '0')::uuid
            FROM generate_series(1, 500) AS n;
        INSERT INTO steps (id, name, type, streaming, "threadId")
            SELECT lpad(to_hex(n), 32, '0')::uuid, '', '', false, lpad(to_hex(n % 500 + 1), 32, '0')::uuid
            FROM generate_series(1, 10000) AS n;""",
    "adk": """
        INSERT INTO sessions SELECT 'app', 'ada', n, '{}', now(), now() FROM generate_series(1, 500) AS n;
        INSERT INTO events SELECT n, 'app', 'ada', n % 500 + 1, '', now(), '{}' FROM generate_series(1, 10000) AS n;""",
}


DIALECT = make_url("postgresql+asyncpg://").get_dialect()()


@pytest.fixture
async def theirs(empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database)
    yield connection
    await connection.close()


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan:
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans(part)


@pytest.mark.parametrize("library", LIBRARIES)
async def test_each_row_is_read_once(theirs: asyncpg.Connection, library: str) -> None:
    sample, tables = LIBRARIES[library]
    await theirs.execute((SAMPLES / sample).read_text())
    await theirs.execute(MANY[library] + "ANALYZE")
    statement = tables.statement().compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})

    plan = json.loads(await theirs.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"))[0]["Plan"]

    read = {scan["Relation Name"]: scan["Actual Rows"] * scan["Actual Loops"] for scan in scans(plan)}
    there = {name: await theirs.fetchval(f'SELECT count(*) FROM "{name}"') for name in read}  # noqa: S608
    assert max(there.values()) >= 10_000
    # A mean over loops is rounded.
    assert all(round(rows) <= there[name] for name, rows in read.items())
