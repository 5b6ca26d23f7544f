"""Tasks that the store owns: what was sent to PostgreSQL settles, also when its caller has been cancelled.

A cancelled query costs its connection, and a cancelled COMMIT may have happened. So every operation runs in a
task of its own; its caller, when cancelled, leaves at once and the task goes on to its end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import anyio

from chat_persistence.errors import ChatPersistenceError, StoreClosed
from chat_persistence.translation import translate

Answer = TypeVar("Answer")

END_SECONDS = 0.4
"""For what was cancelled to end, which takes a round trip: closing a store has seven seconds for everything."""

_log = logging.getLogger(__name__)


class Caller:
    """Whoever waits for an owned task."""

    __slots__ = ("_means_it", "answer", "has_left", "left_at_once", "task")

    def __init__(self, answer: "asyncio.Future[Any]") -> None:
        self.answer = answer
        self.has_left = False
        self.left_at_once = False
        self.task: asyncio.Task[None] | None = None
        self._means_it = _is_being_cancelled()

    def leave(self) -> None:
        """Take note that the caller has been cancelled."""
        self.has_left = True
        # anyio tells a task of its cancelled scope when the task waits next: a scope that was cancelled before the
        # call is told of in the call's first moment. Asking for it on every call would cost as much as the task.
        if self.left_at_once and anyio.current_effective_deadline() == float("-inf"):
            self._means_it = True

    def has_abandoned(self) -> bool:
        """Whether what was not sent yet should stay unsent.

        Not when the caller was being cancelled already as it called: that is how the partial reply of a
        client who went away is stored.
        """
        return self.has_left and not self._means_it


class OwnedTasks:
    """The tasks of one store."""

    def __init__(self) -> None:
        # Those with a caller are forgotten by their own last step: a callback would cost a turn of the loop each.
        self._callers: set[Caller] = set()
        self._others: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def run(self, work: Callable[[Caller], Awaitable[Answer]]) -> Answer:
        """Run `work` to its end and return its answer; a caller who is cancelled meanwhile leaves at once."""
        if self._closed:
            raise StoreClosed
        loop = asyncio.get_running_loop()
        # Not asyncio.shield: its own callback costs one more turn of the loop.
        answer: asyncio.Future[Answer | ChatPersistenceError] = loop.create_future()
        caller = Caller(answer)
        caller.task = loop.create_task(self._settle(work, caller))
        self._callers.add(caller)
        try:
            outcome = await answer
        except asyncio.CancelledError:
            caller.leave()
            raise
        if isinstance(outcome, ChatPersistenceError):
            raise outcome
        return outcome

    def start(self, work: Coroutine[Any, Any, Answer]) -> "asyncio.Task[Answer]":
        """Start a task that nobody needs to wait for."""
        task = asyncio.create_task(work)
        self._others.add(task)
        task.add_done_callback(self._others.discard)
        return task

    async def drain(self, seconds: float) -> None:
        """Take no new work, and wait for what is under way."""
        self._closed = True
        if tasks := self._all():
            await asyncio.wait(tasks, timeout=seconds)

    async def cancel(self) -> None:
        """Cancel what is under way, and see its end; what was sent is cancelled in the server, too."""
        for task in self._all():
            task.cancel()
        await self._end()

    async def abandon(self) -> None:
        """See the end of what had lost its connections only now, and leave no caller waiting."""
        await self._end()
        for caller in self._callers:
            _answer(caller.answer, StoreClosed())

    async def _end(self) -> None:
        if late := self._all():
            await asyncio.wait(late, timeout=END_SECONDS)

    def _all(self) -> set[asyncio.Task[Any]]:
        return self._others.union(caller.task for caller in self._callers if caller.task)

    async def _settle(self, work: Callable[[Caller], Awaitable[Any]], caller: Caller) -> None:
        answer = caller.answer
        caller.left_at_once = answer.cancelled()
        # Answers failures as values, since an exception that nobody is left to take reaches the loop's handler.
        try:
            _answer(answer, await work(caller))
        except Exception as error:
            failure = translate(error)
            _answer(answer, failure)
            if caller.has_left:
                _log.warning("%s after its caller had left: %s", type(failure).__name__, failure)
        except asyncio.CancelledError:
            _answer(answer, StoreClosed())
            raise
        finally:
            self._callers.discard(caller)


def _answer(answer: "asyncio.Future[Answer]", outcome: Answer) -> None:
    if not answer.done():
        answer.set_result(outcome)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
