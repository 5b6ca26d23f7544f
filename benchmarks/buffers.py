"""The pages that PostgreSQL touches for a statement, as EXPLAIN counts them."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.contenders.asyncpg_by_hand import our_compilation, turn_arguments
from benchmarks.loops import LAST
from chat_persistence.connection import read_url
from chat_persistence.statements import appending, messages

LAST_BUDGET = LAST + 4
"""A page for each message, and the height of the index, which is 4 up to some hundred million rows."""

RUNS = 3


async def of_our_statements(url: str, owner: str, conversation: UUID) -> dict[str, int]:
    """Return the pages of a read of the last 50, and of an append that is rolled back."""
    compilation = our_compilation()
    last, append = compilation[messages.last], compilation[appending.append]
    read = last.arguments({"owner": owner, "chat": conversation, "how_many": LAST})
    write = append.arguments({**turn_arguments(conversation, 1), "owner": owner})
    connection = await asyncpg.connect(read_url(url).dsn)
    try:
        return {"last": await _pages(connection, last.sql, read), "append": await _pages(connection, append.sql, write)}
    finally:
        await connection.close()


async def of_sql(url: str, sql: str) -> int:
    """Return the pages of a statement without parameters."""
    connection = await asyncpg.connect(read_url(url).dsn)
    try:
        return await _pages(connection, sql, ())
    finally:
        await connection.close()


async def _pages(connection: "asyncpg.Connection", sql: str, values: Sequence[Any]) -> int:
    # The first run of a connection looks into the catalog too.
    return min([await _pages_of_one_run(connection, sql, values) for _ in range(RUNS)])


async def _pages_of_one_run(connection: "asyncpg.Connection", sql: str, values: Sequence[Any]) -> int:
    transaction = connection.transaction()
    await transaction.start()
    try:
        explained = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *values)
    finally:
        await transaction.rollback()
    (plan,) = json.loads(explained)
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])
