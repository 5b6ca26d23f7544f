"""The PgBouncer that tests start, under kill -9 of its owner: it is gone, and so is its folder."""

import os
import subprocess
import sys
import time
from contextlib import suppress
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


@pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))
@pytest.mark.parametrize("is_killed", [True, False])
def test_it_is_gone_with_its_owner(is_killed: bool) -> None:
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        processes = working_in(folder)
        if is_killed:
            owner.kill()

    assert processes
    assert becomes_gone(folder)
    assert not [process for process in processes if Path("/proc", process).exists()]


def working_in(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is gone by now
            if os.readlink(process / "cwd") == str(folder):
                found.append(process.name)
    return found


def becomes_gone(folder: Path) -> bool:
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not folder.exists()
