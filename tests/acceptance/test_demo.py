"""The demo: what it stores is found again, its self-check sees what is wrong, and Ctrl-C leaves nothing broken."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat_persistence import ChatStore, MessageCreate, MessageRole

FEW = ("--language", "thai", "--language", "urdu", "--users", "3")


def start(*arguments: str, home: Path | None = None) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "FORCE_COLOR")}
    if home is not None:
        environment["CHAT_PERSISTENCE_HOME"] = str(home)
    command = [sys.executable, *arguments]
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def demo(*arguments: str, home: Path | None = None) -> tuple[int, str, str]:
    running = start("-m", "chat_persistence", "demo", *arguments, home=home)
    printed, noted = running.communicate()
    return running.returncode, printed, noted


def demo_as_json(*arguments: str, home: Path | None = None) -> tuple[int, dict[str, Any]]:
    code, printed, _ = demo(*arguments, "--json", home=home)
    return code, json.loads(printed)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose embedded server is of this module alone."""
    return tmp_path_factory.mktemp("demo") / "home"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that was started in the background ignores Ctrl-C, and hands that down to those it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_run_finds_what_the_first_one_stored(tmp_path: Path) -> None:
    first_code, first = demo_as_json(*FEW, home=tmp_path)
    second_code, second = demo_as_json(*FEW, home=tmp_path)
    assert (first_code, second_code) == (0, 0)
    assert (first["stored"], first["found"]) == (first["messages"], 0)
    assert (second["stored"], second["found"]) == (0, first["messages"])
    assert (first["languages"], first["users"], first["failures"]) == (2, 3, [])


def test_it_tells_what_it_did_and_its_snippet_runs(home: Path) -> None:
    code, printed, noted = demo(*FEW, home=home)
    snippet = printed[printed.index("from chat_persistence import") :]
    said, _ = start("-m", "asyncio", home=home).communicate(snippet + "\n")
    assert code == 0
    assert "nobody reaches another's" in printed
    assert f"rm -r {home}" in noted
    assert "content='Hello'" in said


def test_the_server_goes_with_its_last_owner(home: Path) -> None:
    demo("--erase", home=home)
    deadline = time.monotonic() + 20
    while (home / "cluster" / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (home / "cluster" / "postmaster.pid").exists()


@pytest.mark.usefixtures("interruptible")
async def test_after_ctrl_c_the_next_run_goes_on(empty_database: str) -> None:
    everything = ("--url", empty_database, "--migrate", "--language", "dutch", "--all")
    async with ChatStore(empty_database) as store:
        await store.migrate()
        running = start("-m", "chat_persistence", "demo", *everything)
        while not await store.users() and running.poll() is None:
            pass
    running.send_signal(signal.SIGINT)
    _, noted = running.communicate()
    code, outcome = demo_as_json(*everything)
    assert (running.returncode, noted.splitlines()[-1]) == (130, "interrupted; run it again to go on")
    assert (code, outcome["failures"]) == (0, [])
    assert outcome["found"] > 0
    assert outcome["stored"] > 0
    assert outcome["found"] + outcome["stored"] == outcome["messages"]


def test_a_database_of_ones_own_is_migrated_only_when_asked(empty_database: str) -> None:
    code, printed, noted = demo("--url", empty_database, *FEW)
    assert (code, printed) == (3, "")
    assert noted.startswith("error: ")
    assert "run `chat-persistence upgrade`" in noted.splitlines()[0]


async def test_the_self_check_sees_a_message_that_nobody_played(empty_database: str) -> None:
    demo("--url", empty_database, "--migrate", *FEW)
    async with ChatStore(empty_database) as store:
        chat = store.for_user("demo-01")
        conversation = (await chat.conversations.page()).items[0]
        await chat.messages.append(conversation.id, MessageCreate(role=MessageRole.USER, content="more"))
    code, outcome = demo_as_json("--url", empty_database, *FEW)
    assert (code, outcome["ok"]) == (1, False)
    assert outcome["failures"]


async def test_erasing_takes_the_demo_and_nothing_else(empty_database: str) -> None:
    _, played = demo_as_json("--url", empty_database, "--migrate", *FEW)
    async with ChatStore(empty_database) as store:
        await store.for_user("democritus").conversations.create()
        code, erased = demo_as_json("--url", empty_database, "--erase")
        users = await store.users()
    assert code == 0
    assert erased == {"users": played["users"], "conversations": played["conversations"]}
    assert users == ["democritus"]
