"""Tasks that the store owns: what was sent to PostgreSQL settles, also when its caller has been cancelled.

A cancelled query costs its connection, and a cancelled COMMIT may have happened. So every operation runs in a
task of its own; its caller, when cancelled, leaves at once and the task goes on to its end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import anyio

from chat_persistence.closing import CLOSE_SECONDS
from chat_persistence.errors import ChatPersistenceError, StoreClosed
from chat_persistence.translation import translate

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class Caller:
    """Whoever waits for an owned task."""

    def __init__(self) -> None:
        self.has_left = False
        self._means_it = _is_being_cancelled()

    def has_abandoned(self) -> bool:
        """Whether what was not sent yet should stay unsent.

        Not when the caller was being cancelled already as it called: that is how the partial reply of a
        client who went away is stored.
        """
        return self.has_left and not self._means_it


class OwnedTasks:
    """The tasks of one store."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def run(self, work: Callable[[Caller], Awaitable[Answer]]) -> Answer:
        """Run `work` to its end and return its answer; a caller who is cancelled meanwhile leaves at once."""
        if self._closed:
            raise StoreClosed
        caller = Caller()
        # Not asyncio.shield: its own callback costs one more turn of the loop.
        answer: asyncio.Future[Answer | ChatPersistenceError] = asyncio.get_running_loop().create_future()
        self.start(_settle(work, caller, answer)).add_done_callback(lambda _: _answer(answer, StoreClosed()))
        try:
            outcome = await answer
        except asyncio.CancelledError:
            caller.has_left = True
            raise
        if isinstance(outcome, ChatPersistenceError):
            raise outcome
        return outcome

    def start(self, work: Coroutine[Any, Any, Answer]) -> "asyncio.Task[Answer]":
        """Start a task that nobody needs to wait for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, seconds: float) -> None:
        """Take no new work, and wait for what is under way."""
        self._closed = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    async def cancel(self) -> None:
        """Cancel what is under way, and see its end; what was sent is cancelled in the server, too."""
        late = set(self._tasks)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=CLOSE_SECONDS)


async def _settle(
    work: Callable[[Caller], Awaitable[Answer]],
    caller: Caller,
    answer: "asyncio.Future[Answer | ChatPersistenceError]",
) -> None:
    # Answers failures as values, since an exception that nobody is left to take reaches the loop's handler.
    try:
        _answer(answer, await work(caller))
    except Exception as error:
        failure = translate(error)
        _answer(answer, failure)
        if caller.has_left:
            _log.warning("%s after its caller had left: %s", type(failure).__name__, failure)


def _answer(answer: "asyncio.Future[Answer]", outcome: Answer) -> None:
    if not answer.done():
        answer.set_result(outcome)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return bool(task and task.cancelling()) or anyio.current_effective_deadline() == float("-inf")
