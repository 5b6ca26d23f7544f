"""The embedded PostgreSQL under kill -9: whoever dies, and whenever, one server at most, and none left behind."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from chat_persistence.embedded import EmbeddedServer, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a killed supervisor takes its server along on Linux")

# They end when the test does, even if that is killed: their standard input is at an end then.
OWNERS = """
import os, sys
from pathlib import Path
from chat_persistence.embedded import start
home, how_many = Path(sys.argv[1]), int(sys.argv[2])
while how_many > 1 and os.fork():
    how_many -= 1
print("begins", flush=True)
server = start(home, durable=False)
print("joined", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a table in it, which every test here must find again."""
    home = tmp_path_factory.mktemp("killed")
    with start(home, durable=False) as server:
        ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    return home


@contextmanager
def owner(home: Path, how_many: int = 1) -> Iterator["subprocess.Popen[str]"]:
    """Run other processes that start or join the server at once, and kill the first of them in the end."""
    command = [sys.executable, "-c", OWNERS, str(home), str(how_many)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def has_joined(process: "subprocess.Popen[str]", how_many: int = 1) -> bool:
    told = [process.stdout.readline() for _ in range(2 * how_many)] if process.stdout else []
    return told.count("joined\n") == how_many


def ask(server: EmbeddedServer, query: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(server.url)
        try:
            answer: object = await connection.fetchval(query)
            return answer
        finally:
            await connection.close()

    return asyncio.run(fetch())


def is_kept(home: Path) -> bool:
    with start(home, durable=False) as server:
        return ask(server, "SELECT answer FROM kept") == 42


def servers(home: Path) -> set[int]:
    """Return the processes of PostgreSQL that are no other one's child: they all work in the cluster."""
    parents = {}
    for process in processes():
        with suppress(OSError):  # it is gone by now
            if os.readlink(f"/proc/{process}/cwd") == str(home / "cluster"):
                parents[process] = parent_of(process)
    return {process for process, parent in parents.items() if parent not in parents}


def supervisor(home: Path) -> int:
    """Return the process that was started with the path of server.lock."""
    for process in processes():
        with suppress(OSError):
            if os.fsencode(home / "server.lock") in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0"):
                return process
    raise AssertionError("there is no supervisor")


def processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]


def parent_of(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def becomes_true(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_gone(home: Path) -> bool:
    return becomes_true(lambda: not servers(home))


def test_two_processes_share_one_server(home: Path) -> None:
    with start(home, durable=False) as server, owner(home) as other:
        assert has_joined(other)
        assert len(servers(home)) == 1
        assert ask(server, "SELECT 1") == 1


def test_it_is_gone_when_its_last_owner_was_killed(home: Path) -> None:
    with owner(home) as first, owner(home) as second:
        assert has_joined(first)
        assert has_joined(second)
        first.kill()
        assert not becomes_true(lambda: not servers(home), seconds=1)
        second.kill()
        assert is_gone(home)
    assert is_kept(home)


def test_a_newcomer_does_not_meet_a_dying_server(home: Path) -> None:
    for _ in range(5):
        server = start(home, durable=False)
        server.close()
        assert is_kept(home)


def test_it_dies_with_its_supervisor(home: Path) -> None:
    with start(home, durable=False):
        (postmaster,) = servers(home)
        os.kill(supervisor(home), signal.SIGKILL)
        assert becomes_true(lambda: postmaster not in servers(home))
        assert is_kept(home)


def test_a_killed_server_is_started_again(home: Path) -> None:
    with start(home, durable=False):
        (postmaster,) = servers(home)
        os.kill(postmaster, signal.SIGKILL)
        assert is_kept(home)
        assert postmaster not in servers(home)
    assert is_gone(home)


def test_everybody_killed_at_once_leaves_nothing_but_the_data(home: Path) -> None:
    with owner(home) as only:
        assert has_joined(only)
        (postmaster,) = servers(home)
        for process in (only.pid, supervisor(home), postmaster):
            os.kill(process, signal.SIGKILL)
        assert is_kept(home)


def test_eight_starts_at_once_make_one_server(home: Path) -> None:
    assert is_gone(home)
    with owner(home, how_many=8) as owners:
        assert has_joined(owners, how_many=8)
        assert len(servers(home)) == 1
    assert is_gone(home)


def test_a_starter_may_be_killed_at_any_moment(home: Path) -> None:
    pick = random.Random(18)  # noqa: S311
    for _ in range(8):
        with owner(home) as starter:
            assert starter.stdout is not None
            assert starter.stdout.readline() == "begins\n"
            time.sleep(pick.uniform(0, 0.25))
            starter.kill()
    assert is_kept(home)
    assert is_gone(home)


@pytest.mark.parametrize("victim", ["starter", "supervisor"])
def test_whoever_is_killed_while_the_cluster_is_made_the_next_start_works(tmp_path: Path, victim: str) -> None:
    with owner(tmp_path) as starter:
        assert becomes_true((tmp_path / "cluster.unfinished" / "postgresql.conf").exists)
        os.kill(starter.pid if victim == "starter" else supervisor(tmp_path), signal.SIGKILL)
    with start(tmp_path, durable=False) as server:
        assert ask(server, "SELECT 1") == 1
        assert len(servers(tmp_path)) == 1
    assert is_gone(tmp_path)
