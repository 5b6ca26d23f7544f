"""The command `import`, run as a person runs it, and killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from chat_persistence import ChatStore
from tests.acceptance.test_cli import chat_persistence
from tests.servers import new_migrated_database
from tests.transfer.dialogues import as_claude, as_openai
from tests.transfer.reading import SAMPLES

EVERYTHING = """
SELECT md5(string_agg(line, '' ORDER BY line)), count(*) FROM (
    SELECT c::text AS line FROM conversations AS c UNION ALL SELECT m::text FROM messages AS m
) AS lines
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[str]:
    async with new_migrated_database(database_url) as url:
        yield url


async def everything(url: str) -> tuple[str, int]:
    connection = await asyncpg.connect(url)
    try:
        return tuple(await connection.fetchrow(EVERYTHING))
    finally:
        await connection.close()


def run_import(url: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return chat_persistence("import", *map(str, arguments), DATABASE_URL=url)


async def test_a_sample_of_each_format_is_imported_once(database: str) -> None:
    files = {"openai": "openai.jsonl", "sharegpt": "sharegpt.json", "claude": "claude.json", "chatgpt": "chatgpt.json"}
    for format, name in files.items():
        first = run_import(database, format, SAMPLES / name, "--user", "ada", "--json")
        again = run_import(database, format, SAMPLES / name, "--user", "ada", "--json")

        assert (first.returncode, again.returncode) == (0, 0), first.stderr
        assert json.loads(again.stdout)["conversations_present"] == json.loads(first.stdout)["conversations_stored"] > 0


async def test_a_bad_line_stops_it_with_1_and_is_named(database: str, tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text(as_openai([[("user", "one")]]) + "secret\n" + as_openai([[("user", "three")]]))

    stopped = run_import(database, "openai", file, "--user", "ada")
    skipped = run_import(database, "openai", file, "--user", "ada", "--on-error", "skip")

    assert (stopped.returncode, skipped.returncode) == (1, 0)
    assert "error: line 2: not JSON" in stopped.stderr
    assert skipped.stdout.splitlines() == [
        "1 conversations with 1 messages stored, 1 were there, 1 bad records",
        "line 2: not JSON",
    ]


async def test_the_user_has_to_be_named_where_the_file_names_none(database: str) -> None:
    assert run_import(database, "openai", SAMPLES / "openai.jsonl").returncode == 2
    assert run_import(database, "ndjson", SAMPLES / "openai.jsonl", "--user", "ada").returncode == 2


async def test_tables_of_another_library_are_imported_from_another_database(database: str, empty_database: str) -> None:
    theirs = await asyncpg.connect(empty_database)
    await theirs.execute((SAMPLES / "openai_agents.sql").read_text())
    await theirs.close()
    options = ("--from-url", empty_database, "--user-pattern", "([^:]+):", "--on-error", "skip")

    ran = chat_persistence("import-tables", "openai-agents", *options, "--json", DATABASE_URL=database)

    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert (report["conversations_stored"], report["messages_stored"]) == (2, 6)
    assert report["bad"] == [{"place": "conversation nobody", "reason": "no user can be told from its key"}]
    async with ChatStore(database) as store:
        assert await store.users() == ["ada", "grace"]


async def test_killed_and_run_again_it_stores_what_one_run_stores(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "conversations.json"
    file.write_text(as_claude([[("user", f"{number}"), ("assistant", "x")] * 10 for number in range(1200)]))
    async with new_migrated_database(database_url) as undisturbed, new_migrated_database(database_url) as disturbed:
        assert run_import(undisturbed, "claude", file, "--user", "ada").returncode == 0

        await run_until_killed(disturbed, file)
        _, after_kill = await everything(disturbed)
        assert run_import(disturbed, "claude", file, "--user", "ada").returncode == 0

        assert await everything(disturbed) == await everything(undisturbed)
        assert 0 < after_kill < (await everything(disturbed))[1]


async def run_until_killed(url: str, file: Path) -> None:
    """Import, and kill the process when the first conversations are there."""
    command = [sys.executable, "-m", "chat_persistence", "import", "claude", str(file), "--user", "ada"]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, "DATABASE_URL": url}, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(60):
            while (await everything(url))[1] == 0:
                await asyncio.sleep(0.005)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
