"""Export, prune and erase, run as an operator runs them, and killed."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from chat_persistence import ChatStore, ConversationLoad, MessageCreate
from tests.acceptance.test_cli import chat_persistence

LONG_AGO = datetime(2020, 2, 2, tzinfo=UTC)


def conversation(user_id: str, number: int, moment: datetime | None = None, size: int = 2) -> ConversationLoad:
    return ConversationLoad(
        user_id=user_id,
        id=UUID(int=number),
        messages=[MessageCreate(role="user", content=f"message {position}") for position in range(size)],
        created_at=moment,
        updated_at=moment,
        archived_at=moment if number % 2 else None,
    )


@pytest.fixture
async def store(empty_database: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(empty_database) as store:
        await store.migrate()
        yield store


def killed(line: int, *arguments: str) -> list[str]:
    """Run a command, kill it when it has told so many lines on stderr, and return these."""
    command = [sys.executable, "-m", "chat_persistence", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as program:
        assert program.stderr is not None
        told = [program.stderr.readline() for _ in range(line)]
        program.kill()
    assert program.returncode == -signal.SIGKILL, told
    return told


async def test_an_export_is_imported_into_another_database_and_exported_to_the_same_bytes(
    store: ChatStore, empty_database: str, tmp_path: Path
) -> None:
    await store.load(conversation(user_id, number) for user_id in ("ada", "eve") for number in range(3))
    path = tmp_path / "chats.ndjson"
    exported = chat_persistence("export", "--output", str(path), "--url", empty_database)
    for user_id in ("ada", "eve"):
        chat_persistence("erase", user_id, "--yes", "--url", empty_database)
    imported = chat_persistence("import", "ndjson", str(path), "--url", empty_database)
    again = chat_persistence("export", "--url", empty_database)

    assert [each.returncode for each in (exported, imported, again)] == [0, 0, 0], imported.stderr
    assert again.stdout == path.read_text()
    assert exported.stderr.splitlines()[-1] == "exported: 6 conversations with 12 messages"


async def test_an_export_that_was_killed_is_gone_on_with(store: ChatStore, empty_database: str, tmp_path: Path) -> None:
    await store.load(conversation(f"user-{number % 3}", number) for number in range(8_000))
    path = tmp_path / "chats.ndjson"
    url = ("--url", empty_database)
    told = killed(2, "export", "--output", str(path), *url)
    was_there = path.exists()
    resumed = chat_persistence("export", "--output", str(path), "--resume", *url)
    anew = chat_persistence("export", *url)

    assert (was_there, resumed.returncode) == (False, 0)
    assert told[0] == "500 conversations with 1,000 messages\n"
    assert resumed.stderr.splitlines()[0] != told[0]
    assert path.read_text() == anew.stdout


async def test_one_users_export_in_openais_format(store: ChatStore, empty_database: str) -> None:
    await store.load(conversation(user_id, 1) for user_id in ("ada", "eve"))

    exported = chat_persistence("export", "--user", "ada", "--format", "openai", "--url", empty_database)

    assert json.loads(exported.stdout)["messages"][1] == {"role": "user", "content": "message 1"}


async def test_a_prune_that_was_killed_is_run_again(store: ChatStore, empty_database: str) -> None:
    await store.load(conversation(f"user-{number % 3}", number, LONG_AGO) for number in range(12_000))
    await store.load([conversation("quiet", 1)])
    command = ("prune", "--older-than", "90d", "--json", "--url", empty_database)
    counted = json.loads(chat_persistence(*command, "--dry-run").stdout)
    killed(2, *command)
    again = json.loads(chat_persistence(*command).stdout)
    nothing = json.loads(chat_persistence(*command).stdout)

    assert (counted["active"], counted["archived"], counted["messages"]) == (6_000, 6_000, 24_000)
    assert 0 < again["conversations"] < 12_000
    assert (nothing["conversations"], nothing["examined"]) == (0, 1)
    assert await store.users() == ["quiet"]


@pytest.mark.parametrize(
    ("arguments", "active", "archived"),
    [
        (("--older-than", "2020-03-01"), 2, 1),
        (("--older-than", "2020-03-01T00:00+01:00", "--archived-only"), 0, 1),
        (("--older-than", "4w", "--active-only"), 2, 0),
        (("--older-than", "2020-01-01"), 0, 0),
    ],
)
async def test_a_prune_takes_ages_dates_and_kinds(
    store: ChatStore, empty_database: str, arguments: tuple[str, ...], active: int, archived: int
) -> None:
    await store.load(conversation("ada", number, LONG_AGO + timedelta(days=number)) for number in range(3))

    pruned = chat_persistence("prune", *arguments, "--url", empty_database)

    assert pruned.stdout.startswith(f"deleted: {active} active and {archived} archived of 3 conversations, with")


@pytest.mark.parametrize(
    "arguments",
    [
        ("prune", "--older-than", "soon"),
        ("prune", "--older-than", "99999999999999d"),
        ("prune", "--older-than", "1d", "--archived-only", "--active-only"),
        ("export", "--resume"),
        ("import", "ndjson", "nowhere", "--user", "ada"),
        ("import", "openai", "nowhere"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert chat_persistence(*arguments, "--url", "postgresql://localhost:1/chats").returncode == 2


async def test_an_erasure_prints_a_receipt_and_is_not_made_without_a_yes(store: ChatStore, empty_database: str) -> None:
    await store.load(conversation(user_id, number) for user_id in ("ada", "eve") for number in range(3))
    erase = ("erase", "ada", "--url", empty_database)
    refused = chat_persistence(*erase)
    dry = chat_persistence(*erase, "--dry-run")
    there = await store.users()
    erased = chat_persistence(*erase, "--yes", "--json")
    receipt = json.loads(erased.stdout)

    assert (refused.returncode, refused.stdout, there) == (2, "", ["ada", "eve"])
    assert dry.stdout == "would be erased: 3 conversations, 6 messages, 0 drafts, 0 user_keys\n"
    assert datetime.now(UTC) - datetime.fromisoformat(receipt.pop("finished_at")) < timedelta(minutes=1)
    assert receipt == {
        "user_id": "ada",
        "dry_run": False,
        "conversations": 3,
        "messages": 6,
        "drafts": 0,
        "user_keys": 0,
    }
    assert await store.users() == ["eve"]
