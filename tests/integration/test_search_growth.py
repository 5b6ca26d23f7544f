"""What a search touches: what it finds of one's own, and nothing that grows with others."""

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chat_persistence.statements import searching
from tests.integration.test_query_plans import ARGUMENTS, compilation
from tests.servers import new_searchable_database

OWN, FOREIGN = 200, 100_000
FILL = """
INSERT INTO conversations (user_id, id, last_position, message_count)
SELECT $1 || n % 50, md5($1 || n)::uuid, $2::int / 50, $2::int / 50 FROM generate_series(1, 50) AS n;
"""
SAY = """
INSERT INTO messages (conversation_id, user_id, position, id, role, content)
SELECT md5($1 || n % 50 + 1)::uuid, $1 || (n % 50 + 1) % 50, n / 50 + 1, gen_random_uuid(), 'user',
    'the train to ' || (ARRAY['rome', 'paris', 'oslo', 'wien'])[n % 4 + 1] || ' at ' || n
FROM generate_series(0, $2::int - 1) AS n
"""


async def fill(connection: asyncpg.Connection, users: str, messages: int) -> None:
    await connection.execute(FILL, users, messages)
    await connection.execute(SAY, users, messages)
    await connection.execute("VACUUM ANALYZE messages")


async def touched(connection: asyncpg.Connection, query: str) -> int:
    """Return how many buffers a search by one user of a few touches, warm."""
    compiled = compilation[searching.by_index]
    arguments = ARGUMENTS | {"owner": "own-7", "wanted": query, "chat": None, "how_many": 21, "place": 2**31 - 1}
    values = compiled.arguments({name: arguments[name] for name in compiled.names if name in arguments})
    for _ in range(2):
        answer = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {compiled.sql}", *values)
    plan = json.loads(answer)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    async with new_searchable_database(database_url) as url:
        connection = await asyncpg.connect(url)
        yield connection
        await connection.close()


QUERIES = ("train", "rome", "rome or paris", '"to rome"', "-rome", "the -train", "nothing")


async def test_others_messages_cost_a_search_nothing(connection: asyncpg.Connection) -> None:
    await fill(connection, "own-", OWN)
    alone = {query: await touched(connection, query) for query in QUERIES}
    await fill(connection, "other-", FOREIGN)
    among_many = {query: await touched(connection, query) for query in QUERIES}

    print(f"buffers of a search, alone {alone}, among {FOREIGN:,} messages of others {among_many}")
    for query in QUERIES:
        # An index that is a few levels higher, one descent for each word.
        assert among_many[query] <= alone[query] + 20, query


async def test_without_an_index_nothing_is_read(connection: asyncpg.Connection) -> None:
    await fill(connection, "own-", 10_000)
    await connection.execute("DROP INDEX ix_messages_search_simple")

    assert await touched(connection, "train") < 10
