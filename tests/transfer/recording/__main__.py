"""Records what other libraries store, with the libraries themselves: `python -m tests.transfer.recording`."""

import asyncio
import os
import subprocess
from pathlib import Path

from benchmarks.environments import PEERS, prepare
from benchmarks.peer_process import QUIET, ROOT
from chat_persistence import embedded
from chat_persistence.embedded.binaries import locate_binaries
from chat_persistence.testing.databases import new_database

SAMPLES = Path(__file__).parents[1] / "samples"


async def record() -> None:
    with embedded.start() as server:
        for program in sorted(Path(__file__).parent.glob("[a-z]*.py")):
            (peer,) = [peer for peer in PEERS if peer.module == program.stem]
            async with new_database(server.url) as url:
                await asyncio.to_thread(_run, prepare(peer), program, url)
                (SAMPLES / f"{peer.module}.sql").write_text(await asyncio.to_thread(_dump, url))


def _run(python: Path, program: Path, url: str) -> None:
    environment = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
    subprocess.run([python, program, url], check=True, env=environment)


def _dump(url: str) -> str:
    command = [str(locate_binaries() / "pg_dump"), "--inserts", "--no-owner", "--no-privileges", "--no-comments", url]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    kept = [line for line in dumped if line and not line.startswith(("--", "SET ", "SELECT pg_catalog", "\\"))]
    return "\n".join(kept) + "\n"


asyncio.run(record())
