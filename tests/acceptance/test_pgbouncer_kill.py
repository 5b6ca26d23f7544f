"""The PgBouncer that tests start, whoever is killed: it is gone, and so is its folder."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from chat_persistence.selftest.pgbouncer import obstacle

OWNER = """
import asyncio, sys
from chat_persistence.connection_url import take_apart
from chat_persistence.selftest.pgbouncer import pooled

async def main():
    async with pooled("postgresql://ada@127.0.0.1:1/chat") as (url, _):
        print(take_apart(url).hosts[0].name, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


needs_pgbouncer = pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))


@contextmanager
def owner() -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """Run a process that owns a PgBouncer until it is told to end; yield it and the folder of the PgBouncer."""
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


@needs_pgbouncer
@pytest.mark.parametrize("is_killed", [True, False])
def test_it_is_gone_with_its_owner(is_killed: bool) -> None:
    with owner() as (process, folder):
        assert working_in(folder)
        if is_killed:
            process.kill()
        elif process.stdin is not None:
            process.stdin.close()
            process.wait()

        assert becomes_true(lambda: not working_in(folder))
        assert becomes_true(lambda: not folder.exists())


@needs_pgbouncer
@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_it_is_gone_with_its_keeper(blow: signal.Signals) -> None:
    with owner() as (_, folder):
        (pgbouncer,) = working_in(folder)
        os.kill(parent_of(pgbouncer), blow)

        assert becomes_true(lambda: not working_in(folder))
        if blow is signal.SIGTERM:
            assert becomes_true(lambda: not folder.exists())
    shutil.rmtree(folder, ignore_errors=True)


def working_in(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is gone by now
            if os.readlink(process / "cwd") == str(folder):
                found.append(int(process.name))
    return found


def parent_of(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def becomes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()
