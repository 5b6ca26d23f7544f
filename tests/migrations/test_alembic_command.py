"""The `alembic` command, in a checkout."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import migrations
from tests.migrations.catalog import describe, fetch, run_script, tables
from tests.migrations.commands import ALEMBIC, CommandFailed, run
from tests.migrations.conftest import Alembic


async def test_upgrade_head_makes_the_tables(alembic: Alembic, engine: AsyncEngine) -> None:
    await alembic("upgrade", "head")

    assert await tables(engine) == [
        "public.chat_persistence_version",
        "public.conversations",
        "public.drafts",
        "public.messages",
        "public.user_keys",
    ]


async def test_downgrade_base_takes_them_away(alembic: Alembic, engine: AsyncEngine) -> None:
    await alembic("upgrade", "head")
    await alembic("downgrade", "base")

    assert await tables(engine) == ["public.chat_persistence_version"]
    assert await fetch(engine, "SELECT * FROM chat_persistence_version") == []


async def test_check_finds_no_difference(alembic: Alembic) -> None:
    await alembic("upgrade", "head")

    assert "No new upgrade operations detected" in await alembic("check")


async def test_check_lets_a_host_have_its_foreign_key(alembic: Alembic, engine: AsyncEngine) -> None:
    await alembic("upgrade", "head")
    await run_script(
        engine,
        """
        CREATE TABLE users (id text PRIMARY KEY);
        ALTER TABLE conversations
            ADD CONSTRAINT fk_conversations_user FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
        """,
    )

    assert "No new upgrade operations detected" in await alembic("check")


async def test_sql_is_printed_without_a_database(engine: AsyncEngine) -> None:
    """Nothing listens on that port; what was printed makes the same tables as the upgrade itself."""
    printed = await migrations.upgrade_sql()
    nowhere = "postgresql://nobody@127.0.0.1:1/nowhere"
    by_command = await run(ALEMBIC, "upgrade", "head", "--sql", DATABASE_URL=nowhere)
    await run_script(engine, printed)
    from_paper = await describe(engine)
    await migrations.downgrade(engine)
    await migrations.upgrade(engine)

    assert by_command == printed
    assert from_paper == await describe(engine)


async def test_sql_goes_both_ways(engine: AsyncEngine) -> None:
    await run_script(engine, await migrations.upgrade_sql("chat"))
    await run_script(engine, await migrations.downgrade_sql("chat"))

    assert set(await tables(engine)) <= {"chat.chat_persistence_version"}
    assert await fetch(engine, "SHOW search_path") == [('"$user", public',)]


async def test_the_url_can_be_an_argument(empty_database: str, engine: AsyncEngine) -> None:
    """It wins over the environment."""
    await run(
        ALEMBIC, "-x", f"url={empty_database}", "upgrade", "head", DATABASE_URL="postgresql://127.0.0.1:1/nowhere"
    )

    assert (await migrations.status(engine)).is_current


@pytest.mark.parametrize(
    ("url", "complaint"), [("", "set DATABASE_URL"), ("mysql://root:secret@localhost", "not PostgreSQL's")]
)
async def test_without_a_url_that_will_do_it_says_so_in_a_line(url: str, complaint: str) -> None:
    with pytest.raises(CommandFailed, match=complaint) as caught:
        await run(ALEMBIC, "upgrade", "head", DATABASE_URL=url)

    assert "Traceback" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_current_only_reads(alembic: Alembic, engine: AsyncEngine) -> None:
    await alembic("-x", "schema=chat", "current")

    assert await fetch(engine, "SELECT to_regnamespace('chat')::text") == [(None,)]
