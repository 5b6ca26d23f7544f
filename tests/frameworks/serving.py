"""An application behind a real server, in a process of its own."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
END_SECONDS = 15


@dataclass
class Served:
    """A server that answers at `url`, and what it has said."""

    process: asyncio.subprocess.Process
    url: str = ""
    lines: list[str] = field(default_factory=list)

    async def listen(self) -> None:
        """Take note of what it says, to its end."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode())
            if found := re.search(r"running on (http://\S+)", self.lines[-1]):
                self.url = found[1]

    async def started(self) -> None:
        """Wait until it answers."""
        while not self.url:
            assert self.process.returncode is None, "".join(self.lines)
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Ask it to end, and make it."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), END_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def served(app: str, database_url: str) -> AsyncIterator[Served]:
    """Serve `module:app` by uvicorn on a free port."""
    # A client's connection must not be found closed because the machine is slow.
    options = ["--port", "0", "--no-access-log", "--timeout-graceful-shutdown", "1", "--timeout-keep-alive", "60"]
    command = [sys.executable, "-m", "uvicorn", app, *options]
    environment = {**os.environ, "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    server = Served(process)
    listening = asyncio.create_task(server.listen())
    try:
        await asyncio.wait_for(server.started(), START_SECONDS)
        yield server
    finally:
        await server.end()
        await listening
