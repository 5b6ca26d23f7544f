"""The environment is ready for revisions to come, and for those that must leave the transaction."""

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import Base, migrations, row_level_security
from tests.migrations.catalog import fetch, tables
from tests.migrations.commands import ALEMBIC, CHECKOUT, run
from tests.roles import new_role

REVISION = """
revision, down_revision = "{revision}", "{down_revision}"

from alembic import op

def upgrade():
    {upgrade}

def downgrade():
    {downgrade}
"""
CONCURRENTLY = """with op.get_context().autocommit_block():
        op.create_index("ix_messages_role", "messages", ["role"], if_not_exists=True, postgresql_concurrently=True,
                        schema=op.get_context().version_table_schema)
"""


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """A checkout of a later version, with two more revisions."""
    shutil.copytree(CHECKOUT / "alembic", tmp_path / "alembic")
    shutil.copy(CHECKOUT / "alembic.ini", tmp_path)
    _add(tmp_path, "cp_9001", "cp_0002", _execute("CREATE TABLE colours ()"), _execute("DROP TABLE colours"))
    _add(tmp_path, "cp_9002", "cp_9001", _execute("CREATE TABLE shapes ()"), _execute("DROP TABLE shapes"))
    return tmp_path


@pytest.fixture
def leaving(later: Path) -> Path:
    """The same, with a revision that leaves the transaction, and one after it."""
    _add(later, "cp_9003", "cp_9002", CONCURRENTLY, _execute("DROP INDEX ix_messages_role"))
    _add(later, "cp_9004", "cp_9003", _execute("CREATE TABLE sounds ()"), _execute("DROP TABLE sounds"))
    return later


def _add(checkout: Path, revision: str, down_revision: str, upgrade: str, downgrade: str) -> None:
    source = REVISION.format(revision=revision, down_revision=down_revision, upgrade=upgrade, downgrade=downgrade)
    (checkout / "alembic" / "versions" / f"{revision}.py").write_text(source)


def _execute(statement: str) -> str:
    return f'op.execute("{statement}")'


async def _run(checkout: Path, url: str, *arguments: str) -> str:
    return await run(ALEMBIC, *arguments, cwd=checkout, DATABASE_URL=url, PYTHONPATH=str(CHECKOUT))


async def test_eight_processes_run_several_revisions(later: Path, empty_database: str, engine: AsyncEngine) -> None:
    await asyncio.gather(*(_run(later, empty_database, "upgrade", "head") for _ in range(8)))

    assert await fetch(engine, "SELECT version_num FROM chat_persistence_version") == [("cp_9002",)]


@pytest.mark.parametrize("schema", ["chat", "Chat & more"])
async def test_after_leaving_the_transaction_the_schema_is_found_again(
    leaving: Path, empty_database: str, engine: AsyncEngine, schema: str
) -> None:
    await _run(leaving, empty_database, "-x", f"schema={schema}", "upgrade", "head")

    assert f"{schema}.sounds" in await tables(engine)
    assert await fetch(engine, "SELECT schemaname FROM pg_indexes WHERE indexname = 'ix_messages_role'") == [(schema,)]


async def test_this_version_tells_that_the_database_is_newer(
    later: Path, empty_database: str, engine: AsyncEngine
) -> None:
    await _run(later, empty_database, "upgrade", "head")
    found = await migrations.status(engine)

    assert found.is_newer
    assert not found.behind
    assert not found.is_current


async def test_row_level_security_stays_on_through_an_upgrade(
    later: Path, empty_database: str, engine: AsyncEngine
) -> None:
    await migrations.upgrade(engine)
    async with new_role(empty_database) as role:
        await row_level_security.enable(engine, role)
        await _run(later, empty_database, "upgrade", "head")
        forced = "SELECT relname FROM pg_class WHERE relforcerowsecurity ORDER BY relname"

        assert await fetch(engine, forced) == [(table,) for table in sorted(Base.metadata.tables)]


async def test_all_of_them_go_down_again(leaving: Path, empty_database: str, engine: AsyncEngine) -> None:
    await _run(leaving, empty_database, "upgrade", "head")
    await _run(leaving, empty_database, "downgrade", "base")

    assert await tables(engine) == ["public.chat_persistence_version"]
