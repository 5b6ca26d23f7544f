"""`upgrade`, `downgrade`, `status` and `check`, as the library and its command line call them."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import migrations
from chat_persistence.connection import make_engine, read_url
from chat_persistence.errors import ConfigurationError, SchemaMismatch, StoreUnavailable
from chat_persistence.migrations import MigrationStatus
from tests.migrations.catalog import fetch, tables
from tests.migrations.commands import CHECKOUT, UPGRADE_WHEN_TOLD

Act = Callable[[AsyncEngine], Awaitable[None]]


async def test_an_empty_database_is_behind(engine: AsyncEngine) -> None:
    found = await migrations.status(engine)

    assert found == MigrationStatus(current=None, head="cp_0002")
    assert found.behind
    assert not found.is_current


async def test_an_upgraded_one_is_current(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    await migrations.check(engine)

    assert (await migrations.status(engine)).is_current


async def test_check_names_the_command_to_run(engine: AsyncEngine) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        await migrations.check(engine)

    assert caught.value.command == "chat-persistence upgrade"


@pytest.mark.parametrize("act", [migrations.check, migrations.upgrade, migrations.downgrade])
async def test_a_newer_database_is_left_alone(engine: AsyncEngine, act: Act) -> None:
    await migrations.upgrade(engine)
    await fetch(engine, "UPDATE chat_persistence_version SET version_num = 'cp_9999'")
    with pytest.raises(SchemaMismatch) as caught:
        await act(engine)

    assert caught.value.current == "cp_9999"
    assert caught.value.command == "pip install --upgrade chat-persistence"


async def test_nothing_is_locked_when_there_is_nothing_to_do(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        await connection.execute(text("LOCK TABLE conversations, messages IN ACCESS EXCLUSIVE MODE"))
        async with asyncio.timeout(5):
            await migrations.upgrade(engine)

        assert (await migrations.status(engine)).is_current


async def test_a_table_in_use_is_not_waited_for_long(engine: AsyncEngine) -> None:
    await migrations.upgrade(engine)
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        await connection.execute(text("SELECT count(*) FROM messages"))
        with pytest.raises(StoreUnavailable) as caught:
            await migrations.downgrade(engine)

    assert caught.value.sqlstate == "55P03"
    assert (await migrations.status(engine)).is_current


async def test_eight_processes_upgrade_at_once(empty_database: str, engine: AsyncEngine) -> None:
    processes = [await _start(empty_database) for _ in range(8)]
    printed = await asyncio.gather(*(process.communicate(b"\n") for process in processes))

    assert [process.returncode for process in processes] == [0] * 8, printed
    assert (await migrations.status(engine)).is_current


async def _start(url: str) -> Process:
    program = (sys.executable, "-c", UPGRADE_WHEN_TOLD, url)
    process = await asyncio.create_subprocess_exec(*program, cwd=CHECKOUT, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def test_tasks_of_one_loop_do_not_mix_up_their_schemas(engine: AsyncEngine) -> None:
    """Alembic keeps the migration that runs in globals of the process."""
    await asyncio.gather(*(migrations.upgrade(engine, schema) for schema in ("ada", "bob", "eve")))

    assert [await migrations.status(engine, schema) for schema in ("ada", "bob", "eve")] == [
        MigrationStatus("cp_0002", "cp_0002")
    ] * 3


async def test_a_cancelled_upgrade_leaves_nothing(engine: AsyncEngine) -> None:
    """Neither in the database nor in Alembic's globals."""
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('chat_persistence', 0))"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await migrations.upgrade(engine)

    assert await tables(engine) == []
    await migrations.upgrade(engine)
    await migrations.check(engine)


async def test_a_table_of_the_same_name_is_not_touched(engine: AsyncEngine) -> None:
    await fetch(engine, "CREATE TABLE messages (id integer)")
    with pytest.raises(ConfigurationError, match="schema"):
        await migrations.upgrade(engine)

    assert await tables(engine) == ["public.messages"]


async def test_an_unknown_revision_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(ConfigurationError, match="cp_4711") as caught:
        await migrations.upgrade(engine, revision="cp_4711")

    assert caught.value.__context__ is None


async def test_a_server_that_is_not_there_is_our_error() -> None:
    engine = make_engine(read_url("postgresql://nobody@127.0.0.1:1/nowhere"))
    with pytest.raises(StoreUnavailable) as caught:
        await migrations.upgrade(engine)

    assert caught.value.__context__ is None
