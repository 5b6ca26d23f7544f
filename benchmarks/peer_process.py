"""A peer in a process of its own, with the Python of its environment: asked by a line of JSON, it answers by one."""

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.environments import Peer, PeerUnavailable
from benchmarks.loops import CrowdSample, Sample, Workload

ROOT = Path(__file__).parents[1]

ANSWER_SECONDS = 180.0
"""After which a peer is given up."""

GRACE_SECONDS = 20.0

QUIET: Mapping[str, str] = {
    "ANONYMIZED_TELEMETRY": "false",
    "LANGSMITH_TRACING": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class PeerProcess:
    """A player. Whatever goes wrong with it is `PeerUnavailable`, with the reason."""

    is_guest = True

    def __init__(self, peer: Peer, python: Path) -> None:
        self.name = peer.name
        self.lists = False
        self.versions: dict[str, str] = {}
        self._command = (python, "-m", f"benchmarks.peers.{peer.module}")
        self._folder = tempfile.TemporaryDirectory(prefix="cp-bench-", ignore_cleanup_errors=True)
        self._process: asyncio.subprocess.Process | None = None
        self._is_open = False

    async def start(self) -> None:
        """Start it and learn its versions."""
        folder = Path(self._folder.name)
        with (folder / "stderr.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=folder,  # some write files where they start
                env={**os.environ, **QUIET, "PYTHONPATH": str(ROOT)},
            )
        said = await self._ask("introduce")
        self.lists = said["lists"]
        self.versions = said["versions"]

    async def stop(self) -> None:
        """End it, by force if it does not end."""
        process, self._process = self._process, None
        if process is not None:
            _hang_up(process)
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._folder.cleanup()

    async def open(self, url: str) -> None:
        await self._ask("open", url=url)
        self._is_open = True

    async def close(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._ask("close")

    async def fill(self, conversation: str, messages: int, seconds: float) -> bool:
        """Make a conversation, and say whether it was possible within the time."""
        within = seconds + GRACE_SECONDS
        return bool(await self._ask("fill", within, conversation=conversation, messages=messages, seconds=seconds))

    async def verify(self, conversation: str) -> None:
        await self._ask("verify", conversation=conversation)

    async def time(self, workload: Workload, operations: int) -> Sample:
        return Sample(**await self._ask("time", workload=asdict(workload), operations=operations))

    async def crowd(self, users: int, seconds: float) -> CrowdSample:
        return CrowdSample(**await self._ask("crowd", seconds + GRACE_SECONDS, users=users, seconds=seconds))

    async def _ask(self, ask: str, within: float = ANSWER_SECONDS, **arguments: Any) -> Any:
        line = await self._exchange(json.dumps({"ask": ask, **arguments}), within)
        if not line:
            raise PeerUnavailable(f"ended while asked to {ask}: {self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerUnavailable(f"{ask}: {answer['error'][:300]}")
        return answer["answer"]

    async def _exchange(self, question: str, within: float) -> bytes:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise PeerUnavailable("is not running")
        try:
            process.stdin.write(question.encode() + b"\n")
            return await asyncio.wait_for(process.stdout.readline(), within)
        except TimeoutError:
            raise PeerUnavailable(f"gave no answer within {within:.0f} s to {question[:60]}") from None
        except ConnectionError:
            return b""

    def _last_words(self) -> str:
        lines = (Path(self._folder.name) / "stderr.log").read_text(errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), "without a word")


def _hang_up(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
