"""A server that is further away: the relay in a process of its own, so that its work is not taken for a client's."""

import asyncio
import selectors
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chat_persistence.selftest.relay import Relay

DELAY = 0.001

ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def further_away(url: str) -> AsyncIterator[str]:
    """Yield the URL of the same database, every round trip to which takes `DELAY` longer."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    questions, answers = process.stdin, process.stdout
    if questions is None or answers is None:
        raise RuntimeError("both were asked for")
    try:
        questions.write(f"{url}\n".encode())  # not an argument, which everybody on the machine can read
        yield (await answers.readline()).decode().strip()
    finally:
        questions.close()
        await process.wait()


async def _relay() -> None:
    url = sys.stdin.readline().strip()
    async with Relay(url, DELAY).listening() as through:
        print(through, flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started this is done


if __name__ == "__main__":
    # epoll waits in whole milliseconds, select in microseconds.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(_relay())
