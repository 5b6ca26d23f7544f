"""Living in somebody else's database, beside somebody else's migrations."""

import logging

import pytest
from alembic import command
from alembic.autogenerate import produce_migrations
from alembic.config import Config
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Column, Connection, Integer, MetaData, Table, text
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import migrations
from tests.migrations.catalog import describe, fetch, run_script, tables
from tests.migrations.commands import CHECKOUT

HOSTS_TABLES = """
    CREATE TABLE users (id text PRIMARY KEY, email text UNIQUE);
    CREATE TABLE tasks (id bigserial PRIMARY KEY, user_id text REFERENCES users, done boolean DEFAULT false);
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    INSERT INTO users SELECT 'user' || n, n || '@example.org' FROM generate_series(1, 100) AS n;
    INSERT INTO tasks (user_id) SELECT id FROM users;
    INSERT INTO alembic_version VALUES ('0001');
"""
HASHES = """
    SELECT (SELECT md5(string_agg(u::text || u.ctid || u.xmin, '|' ORDER BY u.id)) FROM users AS u),
           (SELECT md5(string_agg(t::text || t.ctid || t.xmin, '|' ORDER BY t.id)) FROM tasks AS t),
           (SELECT version_num FROM alembic_version)
"""
OWN = "SELECT current_setting('search_path'), current_setting('lock_timeout'), current_setting('statement_timeout')"


async def test_the_hosts_tables_are_untouched(engine: AsyncEngine) -> None:
    """Not one row is written, not even with the same values."""
    await run_script(engine, HOSTS_TABLES)
    at_first, tables_at_first = await fetch(engine, HASHES), await tables(engine)
    await migrations.upgrade(engine)
    after_upgrade = await fetch(engine, HASHES)
    await migrations.downgrade(engine)

    assert at_first == after_upgrade == await fetch(engine, HASHES)
    assert set(await tables(engine)) - set(tables_at_first) == {"public.chat_persistence_version"}


async def test_a_hosts_autogenerate_does_not_drop_our_tables(engine: AsyncEngine) -> None:
    await run_script(engine, "CREATE TABLE tasks (id integer PRIMARY KEY)")
    await migrations.upgrade(engine)
    host = MetaData()
    Table("tasks", host, Column("id", Integer, primary_key=True))

    def autogenerate(connection: Connection, /, **options: object) -> MigrationScript:
        return produce_migrations(MigrationContext.configure(connection, opts=options), host)

    async with engine.connect() as connection:
        unguarded = await connection.run_sync(autogenerate)
        guarded = await connection.run_sync(autogenerate, include_name=migrations.include_name)

    assert unguarded.upgrade_ops is not None
    assert not unguarded.upgrade_ops.is_empty()
    assert guarded.upgrade_ops is not None
    assert guarded.upgrade_ops.is_empty()


async def test_a_hosts_loggers_stay_as_they_are(engine: AsyncEngine) -> None:
    logger, handlers = logging.getLogger("host.of.ours"), list(logging.getLogger().handlers)
    async with engine.execution_options(isolation_level="READ COMMITTED").connect() as connection:
        await connection.run_sync(_upgrade_by_ini)

    assert not logger.disabled
    assert logging.getLogger().handlers == handlers


async def test_a_connection_can_be_handed_over(engine: AsyncEngine) -> None:
    async with engine.execution_options(isolation_level="READ COMMITTED").connect() as connection:
        await connection.run_sync(_upgrade_by_ini)

    assert (await migrations.status(engine)).is_current


@pytest.mark.parametrize("schema", [None, "chat"])
async def test_a_hosts_transaction_stays_the_hosts(engine: AsyncEngine, schema: str | None) -> None:
    """What it had set is set again, and what it takes back was never there."""
    async with engine.execution_options(isolation_level="READ COMMITTED").connect() as connection:
        await connection.execute(text("SET LOCAL lock_timeout = '7s'"))
        before = (await connection.execute(text(OWN))).one()
        await connection.run_sync(_upgrade_by_ini, schema)
        after = (await connection.execute(text(OWN))).one()
        await connection.rollback()

    assert after == before
    assert await tables(engine) == []


@pytest.mark.parametrize("schema", [None, "chat"])
async def test_nothing_stays_on_a_hosts_connection(engine: AsyncEngine, schema: str | None) -> None:
    async with engine.execution_options(isolation_level="READ COMMITTED").connect() as connection:
        default_schema = connection.dialect.default_schema_name
        before = (await connection.execute(text(OWN))).one()
        await connection.rollback()
        await connection.run_sync(_upgrade_by_ini, schema)
        after = (await connection.execute(text(OWN))).one()

        assert after == before
        assert connection.dialect.default_schema_name == default_schema


async def test_a_connection_in_autocommit_is_refused(engine: AsyncEngine) -> None:
    """The lock, and the schema, would last for one statement."""
    async with engine.connect() as connection:
        with pytest.raises(CommandError, match="AUTOCOMMIT"):
            await connection.run_sync(_upgrade_by_ini)

    assert await tables(engine) == []


async def test_alembic_can_be_called_inside_a_running_loop(
    engine: AsyncEngine, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a notebook, without a connection handed over."""
    monkeypatch.setenv("DATABASE_URL", empty_database)
    command.upgrade(Config(CHECKOUT / "alembic.ini"), "head")

    assert (await migrations.status(engine)).is_current


async def test_our_tables_go_into_a_schema_of_their_own(engine: AsyncEngine) -> None:
    """Even when the host has tables of the same names."""
    await run_script(engine, "CREATE TABLE messages (id integer); CREATE TABLE conversations (id integer)")
    await migrations.upgrade(engine, "chat")

    assert set(await tables(engine)) == {
        "public.messages",
        "public.conversations",
        "chat.chat_persistence_version",
        "chat.conversations",
        "chat.drafts",
        "chat.messages",
        "chat.user_keys",
    }
    assert not (await migrations.status(engine)).is_current
    assert (await migrations.status(engine, "chat")).is_current
    assert await fetch(engine, "SHOW search_path") == [('"$user", public',)]


async def test_an_engine_that_translates_schemas_makes_no_difference(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine.execution_options(schema_translate_map={None: "elsewhere"}), "chat")

    assert all((await describe(engine, "chat")).values())


def _upgrade_by_ini(connection: Connection, schema: str | None = None) -> None:
    config = Config(CHECKOUT / "alembic.ini", attributes={"connection": connection, "schema": schema})
    command.upgrade(config, "head")
