"""What is timed: the same loops around every contender, in whatever process it lives."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from benchmarks import dialogue
from benchmarks.contender import Contender

LAST = 50
LISTED = 20


@dataclass(frozen=True, slots=True)
class Workload:
    """One operation, done by so many tasks at once over some conversations, each task with its own of them."""

    action: str
    conversations: tuple[str, ...] = ("",)
    tasks: int = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """So many operations, and the seconds that they took: by the clock, and of the client's processor."""

    operations: int
    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class CrowdSample:
    """How many users were served, how many were not, by an error or for want of time, and the seconds of all."""

    served: int
    failed: int
    wall: float
    cpu: float
    failure: str = ""


async def _append(contender: Contender, conversation: str, number: int) -> None:
    await contender.append(conversation, number)


async def _last(contender: Contender, conversation: str, _: int) -> None:
    await contender.last(conversation)


async def _list(contender: Contender, _: str, __: int) -> None:
    await contender.list_conversations()


async def _read_then_append(contender: Contender, conversation: str, number: int) -> None:
    await contender.read_then_append(conversation, number)


Action = Callable[[Contender, str, int], Awaitable[None]]

ACTIONS: dict[str, Action] = {
    "append": _append,
    "last": _last,
    "list": _list,
    "read_then_append": _read_then_append,
}


async def time_workload(contender: Contender, workload: Workload, operations: int) -> Sample:
    """Do at least so many operations, as many in each task, and say what they took."""
    each = -(-operations // workload.tasks)
    tasks = [_repeat(contender, workload, task, each) for task in range(workload.tasks)]
    gc.freeze()  # what was there before costs the collections that belong to the operations nothing
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*tasks)
    sample = Sample(each * workload.tasks, time.perf_counter() - wall, time.process_time() - cpu)
    gc.unfreeze()
    return sample


async def _repeat(contender: Contender, workload: Workload, task: int, times: int) -> None:
    action = ACTIONS[workload.action]
    mine = workload.conversations[task :: workload.tasks]
    for number in range(times):
        await action(contender, mine[number % len(mine)], number)


async def verify(contender: Contender, conversation: str) -> None:
    """Raise `AssertionError` unless two appended turns are what a read ends with, and it has its 50 messages."""
    for number in (1, 2):
        await contender.append(conversation, number)
    contents = contender.contents(await contender.last(conversation))
    turns = [dialogue.turn(number) for number in (1, 2)]
    expected = [text for turn in turns for text in (turn.question, turn.answer)]
    if len(contents) != LAST or contents[-4:] != expected:
        raise AssertionError(f"the last {LAST} are {len(contents)}, or not in order")
    if contender.lists and len(await contender.list_conversations()) != LISTED:
        raise AssertionError(f"the {LISTED} listed are not {LISTED}")


async def time_crowd(contender: Contender, users: int, seconds: float) -> CrowdSample:
    """Have so many users at once read and append in new conversations, for at most so many seconds."""
    crowd = f"crowd-{uuid4().hex[:8]}"
    cpu, wall = time.process_time(), time.perf_counter()
    tasks = [asyncio.create_task(_visit(contender, f"{crowd}-{user}", user)) for user in range(users)]
    done, late = await asyncio.wait(tasks, timeout=seconds)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    failures = [failure for task in done if (failure := task.exception())]
    named = type(failures[0]).__name__ if failures else ""
    return CrowdSample(len(done) - len(failures), len(failures) + len(late), *spent, named)


async def _visit(contender: Contender, conversation: str, number: int) -> None:
    await contender.begin(conversation)
    await contender.read_then_append(conversation, number)
