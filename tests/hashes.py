"""What a database holds of everybody else, as one hash for each table."""

import asyncpg

TABLES = ("conversations", "messages", "drafts", "user_keys")


async def rows_of_others(connection: asyncpg.Connection, user_id: str, *, only: str | None = None) -> dict[str, str]:
    """Return a hash of all rows that are not this user's; or of one other's only, while more is being written."""
    condition = "user_id <> $1 AND ($2::text IS NULL OR user_id = $2)"
    return {
        table: await connection.fetchval(
            "SELECT md5(coalesce(string_agg(row, '' ORDER BY row), '')) FROM"  # noqa: S608
            f" (SELECT {table}::text AS row FROM {table} WHERE {condition}) AS rows",
            user_id,
            only,
        )
        for table in TABLES
    }
