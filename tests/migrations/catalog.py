"""What PostgreSQL's own catalogs say: `alembic check` is blind to half of it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

COLUMNS = """
    SELECT relname, row_number() OVER (PARTITION BY relname ORDER BY attnum), attname,
           format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
           attcollation::regcollation::text, pg_get_expr(adbin, adrelid)
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = pg_class.oid AND adnum = attnum
    WHERE nspname = :schema AND relname IN ('conversations', 'drafts', 'messages', 'user_keys')
    ORDER BY relname, attnum
"""
CONSTRAINTS = """
    SELECT relname, conname, contype, convalidated, condeferrable, pg_get_constraintdef(pg_constraint.oid)
    FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :schema AND relname IN ('conversations', 'drafts', 'messages', 'user_keys')
    ORDER BY relname, conname
"""
INDEXES = """
    SELECT indexname, indexdef
    FROM pg_indexes
    WHERE schemaname = :schema AND tablename IN ('conversations', 'drafts', 'messages', 'user_keys')
    ORDER BY indexname
"""
STORAGE = """
    SELECT relname, relkind, relpersistence, reloptions, relrowsecurity, relhastriggers
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :schema AND relname NOT LIKE 'chat_persistence_version%'
    ORDER BY relname
"""


async def describe(engine: AsyncEngine, schema: str = "public") -> dict[str, list[tuple[Any, ...]]]:
    """Return all that defines our tables in a schema, in words that do not name the schema."""
    facts = {"columns": COLUMNS, "constraints": CONSTRAINTS, "indexes": INDEXES, "storage": STORAGE}
    prefix = engine.dialect.identifier_preparer.quote(schema) + "."
    return {
        fact: [
            tuple(value.replace(prefix, "") if isinstance(value, str) else value for value in row)
            for row in await fetch(engine, query, schema=schema)
        ]
        for fact, query in facts.items()
    }


async def tables(engine: AsyncEngine) -> list[str]:
    """Return the tables there are outside of PostgreSQL's own schemas, as `schema.table`."""
    query = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^pg_|^info' ORDER BY 1"
    return [name for (name,) in await fetch(engine, query)]


async def fetch(engine: AsyncEngine, statement: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    """Run a statement, in AUTOCOMMIT as the engine is, and return its rows as plain tuples."""
    async with engine.connect() as connection:
        result = await connection.execute(text(statement), values)
        return [tuple(row) for row in result] if result.returns_rows else []


async def run_script(engine: AsyncEngine, script: str) -> None:
    """Run several statements as psql would."""
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None
        await raw.driver_connection.execute(script)
