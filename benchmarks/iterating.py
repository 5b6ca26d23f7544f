"""Reading a whole long conversation: the memory that it takes, and how long it holds up the event loop.

It runs in a process of its own, whose memory is nobody else's.
"""

import asyncio
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.loops import LAST
from benchmarks.names import USER, conversation_id
from chat_persistence import ChatStore

ROOT = Path(__file__).parents[1]

MEMORY_BUDGET = 10 * 2**20
STALL_BUDGET_MS = 50.0

LOOKS_EVERY = 250

STATISTICS = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class Iterated:
    """What `iterate` took: bytes of memory at its highest above the start, seconds, and the longest stall."""

    messages: int
    memory: int
    seconds: float
    stall_ms: float


async def iterate(url: str, conversation: str) -> Iterated:
    """Have a conversation read in a fresh process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, conversation),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    said, _ = await process.communicate(f"{url}\n".encode())
    return Iterated(**json.loads(said))


async def _read(url: str, conversation: str) -> Iterated:
    async with ChatStore(url) as store:
        messages = store.for_user(USER).messages
        await messages.last(conversation_id(conversation), LAST)  # what every process has done once
        clock = asyncio.create_task(_longest_stall())
        await asyncio.sleep(0)
        before, started, count = _memory(), time.perf_counter(), 0
        highest = before
        async for _ in messages.iterate(conversation_id(conversation)):
            count += 1
            if count % LOOKS_EVERY == 0:
                highest = max(highest, _memory())
        seconds = time.perf_counter() - started
        clock.cancel()
        stall = await clock
    return Iterated(count, highest - before, seconds, stall * 1000)


async def _longest_stall() -> float:
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest


def _memory() -> int:
    if STATISTICS.exists():
        return int(STATISTICS.read_text().split()[1]) * resource.getpagesize()
    # Where there is no such file: the highest so far, on macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_read(sys.stdin.readline().strip(), sys.argv[1])))))
