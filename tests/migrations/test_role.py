"""A role that may do less than the owner of the database."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import migrations
from chat_persistence.connection import make_engine, read_url
from chat_persistence.errors import ConfigurationError
from tests.migrations.catalog import fetch, run_script, tables


@pytest.fixture
async def limited(engine: AsyncEngine, empty_database: str) -> AsyncIterator[AsyncEngine]:
    """An engine whose role may use the schema `ready`, create in the schema `open`, and nothing else."""
    ((database,),) = await fetch(engine, "SELECT current_database()")
    role = f"{database}_limited"
    await run_script(
        engine,
        f"""
        CREATE ROLE {role};
        CREATE SCHEMA ready; GRANT USAGE ON SCHEMA ready TO {role};
        CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO {role};
        """,
    )
    await migrations.upgrade(engine, "ready")
    await run_script(
        engine,
        f"GRANT SELECT ON ready.chat_persistence_version TO {role};"
        f"ALTER ROLE CURRENT_USER IN DATABASE {database} SET role = {role}",
    )
    made = make_engine(read_url(empty_database))
    yield made
    await made.dispose()
    await run_script(
        engine,
        f"ALTER ROLE CURRENT_USER IN DATABASE {database} RESET role; DROP OWNED BY {role}; DROP ROLE {role}",
    )


async def test_nothing_to_do_needs_no_right_to_do_it(limited: AsyncEngine) -> None:
    await migrations.upgrade(limited, "ready")

    assert (await migrations.status(limited, "ready")).is_current


async def test_a_schema_that_exists_is_not_created(limited: AsyncEngine) -> None:
    """`CREATE SCHEMA IF NOT EXISTS` would ask for a right on the database."""
    await migrations.upgrade(limited, "open")

    assert (await migrations.status(limited, "open")).is_current


@pytest.mark.parametrize("schema", [None, "missing"])
async def test_a_refusal_says_what_to_do(limited: AsyncEngine, schema: str | None) -> None:
    with pytest.raises(ConfigurationError, match="upgrade --sql") as caught:
        await migrations.upgrade(limited, schema)

    assert caught.value.__context__ is None
    assert not [name for name in await tables(limited) if name.startswith(("public", "missing"))]
