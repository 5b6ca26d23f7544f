"""How faults of a database, of its network and of its pool are staged, each under a store of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

from chat_persistence import ChatStore, StoreUnavailable
from chat_persistence.connection_url import take_apart
from chat_persistence.selftest.addresses import through, with_parameters
from chat_persistence.selftest.arena import Arena, opened
from chat_persistence.selftest.forgery import Forgery, ForgingRelay

LIMIT_SECONDS = 1.5
"""Of what is never answered."""

WARM_UP_SECONDS = 20.0

PATIENT = {"pool_size": 4}
IMPATIENT = {"pool_size": 40, "command_timeout": LIMIT_SECONDS, "connect_timeout": LIMIT_SECONDS}
"""Where nothing is answered, everybody waits at once, each to the end of its limit."""


@dataclass(frozen=True, slots=True)
class Planted:
    """Words that no error and no log may hold."""

    text: str = field(default_factory=lambda: f"text-{uuid4().hex}")
    password: str = field(default_factory=lambda: f"password-{uuid4().hex}")
    says: str = field(default_factory=lambda: f"says-{uuid4().hex}")
    """What the server says: PostgreSQL quotes rows and values in its messages."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A store on the tables of `arena`, which the fault strikes when it begins; one without an end never ends."""

    arena: Arena
    store: ChatStore
    begin: Callable[[], Awaitable[object]]
    end: Callable[[], Awaitable[object]] | None


Stage = Callable[[Arena, Planted], AbstractAsyncContextManager[Staged]]


@asynccontextmanager
async def forged(
    arena: Arena, planted: Planted, forge: Callable[[str], Forgery], *, is_impatient: bool = False
) -> AsyncIterator[Staged]:
    """Have questions, or greetings, answered in the server's place."""
    relay = ForgingRelay(_with_password(arena.url, planted))
    forgery = forge(planted.says)

    async def begin() -> None:
        if not forgery.greets:
            await _warm_up(store)
        relay.forgery = forgery

    async def end() -> None:
        relay.forgery = None

    async with relay.listening() as url, arena.store(url, **(IMPATIENT if is_impatient else PATIENT)) as store:
        yield Staged(arena, store, begin, end)


@asynccontextmanager
async def elsewhere(arena: Arena, planted: Planted, host: str) -> AsyncIterator[Staged]:
    """Lead to a host where no PostgreSQL is."""
    # Nobody listens on port 1.
    url = with_parameters(through(arena.url, 1), host=host, password=planted.password, sslmode="disable")
    async with arena.store(url, **PATIENT) as store:
        yield Staged(arena, store, _nothing, None)


@asynccontextmanager
async def black_hole(arena: Arena, planted: Planted) -> AsyncIterator[Staged]:
    """Have every byte vanish."""
    relay = ForgingRelay(_with_password(arena.url, planted))

    async def begin() -> None:
        await _warm_up(store)
        relay.swallow()

    async def end() -> None:
        relay.carry_on()

    async with relay.listening() as url, arena.store(url, **IMPATIENT) as store:
        yield Staged(arena, store, begin, end)


@asynccontextmanager
async def backends_terminated(arena: Arena, planted: Planted) -> AsyncIterator[Staged]:
    """Terminate every backend that waits for a table, which they all do."""
    application = f"victim {uuid4().hex[:12]}"
    url = with_parameters(_with_password(arena.url, planted), application_name=application)
    tasks: list[asyncio.Task[None]] = []

    async def begin() -> None:
        await _warm_up(store)
        await locking.execute("BEGIN; LOCK TABLE conversations, drafts, messages, user_keys IN ACCESS EXCLUSIVE MODE")
        tasks.append(asyncio.create_task(_terminate_waiting(arena, application)))

    async def end() -> None:
        tasks[0].cancel()
        await asyncio.wait(tasks)
        await locking.execute("ROLLBACK")

    async with (
        opened(arena.url) as ours,
        ours.connection() as locking,
        ours.store(url, **PATIENT) as store,
    ):
        yield Staged(ours, store, begin, end)


async def _terminate_waiting(arena: Arena, application: str) -> None:
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = $1 AND wait_event_type = 'Lock'"
    )
    async with arena.connection() as connection:
        while True:
            await connection.fetch(query, application)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def no_connection_free(arena: Arena, planted: Planted) -> AsyncIterator[Staged]:
    """Have a unit of work keep the only connection."""
    url = _with_password(arena.url, planted)
    async with arena.store(url, pool_size=1, pool_timeout=LIMIT_SECONDS) as store:
        unit = store.unit_of_work(arena.new_user())
        yield Staged(arena, store, unit.__aenter__, partial(unit.__aexit__, None, None, None))


@asynccontextmanager
async def tables_changed(arena: Arena, planted: Planted, change: str, undo: str) -> AsyncIterator[Staged]:
    """Change the tables of a schema of its own by SQL."""
    async with (
        opened(arena.url) as ours,
        ours.connection() as connection,
        ours.store(_with_password(arena.url, planted), **PATIENT) as store,
    ):
        yield Staged(ours, store, partial(connection.execute, change), partial(connection.execute, undo))


def _with_password(url: str, planted: Planted) -> str:
    # A server that asks for one is given its own.
    return url if "password" in take_apart(url).parameters else with_parameters(url, password=planted.password)


async def _warm_up(store: ChatStore) -> None:
    # Other faults are being staged at the same time, and the limits of this store may be short.
    async with asyncio.timeout(WARM_UP_SECONDS):
        while True:
            try:
                await store.users(limit=1)
            except StoreUnavailable:
                await asyncio.sleep(LIMIT_SECONDS)
            else:
                return


async def _nothing() -> None:
    """Begin what reigns from the beginning."""
