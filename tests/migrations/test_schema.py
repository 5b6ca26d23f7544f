"""The models and the migrations are one schema, by PostgreSQL's own catalogs."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import migrations
from chat_persistence.models import Base
from tests.migrations.catalog import describe, run_script


async def _create_all(engine: AsyncEngine, schema: str) -> None:
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        await connection.execute(text(f"CREATE SCHEMA {schema}"))
        await connection.execute(text(f"SET LOCAL search_path TO {schema}"))
        await connection.run_sync(Base.metadata.create_all)


async def test_models_and_migrations_make_the_same_tables(engine: AsyncEngine) -> None:
    await _create_all(engine, "modelled")
    await migrations.upgrade(engine, "migrated")
    modelled, migrated = await describe(engine, "modelled"), await describe(engine, "migrated")

    assert all(migrated.values())
    assert migrated == modelled


async def test_the_comparison_sees_what_alembic_does_not(engine: AsyncEngine) -> None:
    """Each of these leaves `alembic check` content."""
    await migrations.upgrade(engine)
    before = await describe(engine)
    await run_script(
        engine,
        """
        ALTER TABLE conversations RESET (fillfactor);
        ALTER TABLE conversations DROP CONSTRAINT ck_conversations_title_length;
        ALTER TABLE messages ALTER COLUMN content TYPE text COLLATE "C";
        """,
    )
    after = await describe(engine)

    assert {fact for fact in before if before[fact] != after[fact]} == {"columns", "constraints", "storage"}


async def test_a_schema_of_its_own_changes_nothing_but_the_place(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    await migrations.upgrade(engine, 'A "strange" name: 100%')

    in_public = await describe(engine)
    assert in_public == await describe(engine, 'A "strange" name: 100%')
