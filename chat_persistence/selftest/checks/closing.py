"""Closing a store: what is under way has five seconds to settle; then it is closed, whatever it waits for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from chat_persistence import ChatPersistenceError, ChatStore, MessageCreate
from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, nothing
from chat_persistence.selftest.loop_alarms import loop_alarms
from chat_persistence.selftest.relay import Relay
from chat_persistence.selftest.scale import Scale

CALLERS = 50
LIMIT_SECONDS = 5.0 + 2.0
BUSY_SECONDS = 0.3
SELFTEST = __name__.rpartition(".checks")[0].replace(".", "/")


@asynccontextmanager
async def _load(arena: Arena, user_id: str, relay: Relay) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _lock(arena: Arena, user_id: str, relay: Relay) -> AsyncIterator[None]:
    async with arena.connection() as holder, holder.transaction():
        await holder.execute("SELECT FROM conversations WHERE user_id = $1 FOR UPDATE", user_id)
        yield


@asynccontextmanager
async def _black_hole(arena: Arena, user_id: str, relay: Relay) -> AsyncIterator[None]:
    relay.swallow()
    yield
    relay.drop_all()


Hindrance = Callable[[Arena, str, Relay], AbstractAsyncContextManager[None]]

CASES: dict[str, Hindrance] = {"under load": _load, "behind a lock": _lock, "in a black hole": _black_hole}


@dataclass(slots=True)
class Closing:
    """A store with many callers, and how it was closed."""

    name: str
    store: ChatStore
    callers: set[asyncio.Task[None]]
    application_name: str
    seconds: float = 0.0

    async def close(self) -> None:
        """Close it, and take the time."""
        started = time.perf_counter()
        await self.store.aclose()
        self.seconds = time.perf_counter() - started


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Close three stores at once, and look for what they left behind."""
    async with AsyncExitStack() as stack:
        alarms = stack.enter_context(loop_alarms())
        before = asyncio.all_tasks()
        closings = [await stack.enter_async_context(_opened(arena, name)) for name in CASES]
        await asyncio.sleep(BUSY_SECONDS)
        await asyncio.gather(*[closing.close() for closing in closings])
        await asyncio.wait(set().union(*[closing.callers for closing in closings]), timeout=BUSY_SECONDS)
        left = [task for task in asyncio.all_tasks() - before if not _is_of_selftest(task)]
        for closing in closings:
            async for figure in _figures(arena, closing):
                yield figure
        yield nothing("tasks left behind", len(left))
        yield nothing("exceptions that reached the loop", alarms())


@asynccontextmanager
async def _opened(arena: Arena, name: str) -> AsyncIterator[Closing]:
    user_id, application_name = arena.new_user(), f"closing {uuid4().hex[:12]}"
    async with arena.relay() as (url, relay):
        async with arena.store(with_parameters(url, application_name=application_name)) as store:
            conversation = await store.for_user(user_id).conversations.create()
            callers = {asyncio.create_task(_call(store, user_id, conversation.id, each)) for each in range(CALLERS)}
            await asyncio.sleep(BUSY_SECONDS)
            async with CASES[name](arena, user_id, relay):
                yield Closing(name, store, callers, application_name)
        await asyncio.wait(callers)


async def _call(store: ChatStore, user_id: str, conversation: UUID, number: int) -> None:
    """Call until the store is closed."""
    try:
        chat = store.for_user(user_id)
        while True:
            message = MessageCreate(role="user", content="Hi")
            if number % 2:
                await chat.messages.append(conversation, message)
            else:
                async with store.unit_of_work(user_id) as work:
                    await work.messages.append(conversation, message)
    except ChatPersistenceError:
        return


async def _figures(arena: Arena, closing: Closing) -> AsyncIterator[Figure]:
    yield Figure(f"{closing.name}: until it was closed", closing.seconds, LIMIT_SECONDS, "s")
    waiting = sum(not caller.done() for caller in closing.callers)
    yield nothing(f"{closing.name}: callers left waiting", waiting, CALLERS)
    if CASES[closing.name] is not _black_hole:  # where the server is not told
        yield nothing(f"{closing.name}: connections left", len(await arena.backends(closing.application_name)))


def _is_of_selftest(task: "asyncio.Task[object]") -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and SELFTEST in code.co_filename


CHECK = Check("closing", run)
