"""Units of work in which a statement failed: none can be committed, whoever ran it, and however it was swallowed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chat_persistence import Conversation, MessageCreate, UnitOfWork
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything
from chat_persistence.selftest.scale import Scale

STEPS = 3
"""Operations of ours in each unit; a statement fails before one of them, or after the last."""


async def core(work: UnitOfWork) -> None:
    """Fail in an expression of SQLAlchemy Core."""
    await work.session.execute(select(literal(1) / literal(0)))


async def textual(work: UnitOfWork) -> None:
    """Fail in SQL as text."""
    await work.session.execute(text("SELECT 1 / 0"))


async def orm(work: UnitOfWork) -> None:
    """Fail in the flush of a row that the database refuses."""
    work.session.add(Conversation(user_id="", id=uuid4()))
    await work.session.flush()


async def driver_prepared(work: UnitOfWork) -> None:
    """Fail on the driver's own connection."""
    await (await _driver(work.session)).fetch("SELECT 1 / 0")


async def driver_simple(work: UnitOfWork) -> None:
    """Fail on the driver's own connection, in the simple query protocol."""
    await (await _driver(work.session)).execute("SELECT 1 / 0")


async def operation(work: UnitOfWork) -> None:
    """Fail in an operation of ours."""
    await work.session.execute(text("SET TRANSACTION READ ONLY"))
    await work.conversations.create()


async def _driver(session: AsyncSession) -> Any:
    return (await (await session.connection()).get_raw_connection()).driver_connection


Failure = Callable[[UnitOfWork], Awaitable[None]]
Unit = Callable[[str], AbstractAsyncContextManager[UnitOfWork]]
"""How one gets a unit of work for a user."""

ON_THE_DRIVER: tuple[Failure, ...] = (driver_prepared, driver_simple)
SEEN_BY_SESSION: tuple[Failure, ...] = (orm, operation)
FAILURES: tuple[Failure, ...] = (core, textual, *SEEN_BY_SESSION, *ON_THE_DRIVER)


@asynccontextmanager
async def own_engine(arena: Arena) -> AsyncIterator[Unit]:
    """In the store's own transactions."""
    async with arena.store() as store:
        yield store.unit_of_work


@asynccontextmanager
async def given_engine(arena: Arena, **options: Any) -> AsyncIterator[Unit]:
    """In the store's own transactions, on a host's engine."""
    async with arena.host_engine(**options) as engine, arena.joined_store(engine) as store:
        yield store.unit_of_work


@asynccontextmanager
async def given_session(arena: Arena) -> AsyncIterator[Unit]:
    """In a host's session, which the host commits."""
    async with arena.host_engine() as engine, arena.joined_store(engine) as store:

        @asynccontextmanager
        async def unit(user_id: str) -> AsyncIterator[UnitOfWork]:
            async with AsyncSession(engine) as session:
                async with store.unit_of_work(user_id, session=session) as work:
                    yield work
                await session.commit()

        yield unit


DOORS: Mapping[str, Callable[[Arena], AbstractAsyncContextManager[Unit]]] = {
    "own engine": own_engine,
    "given engine": given_engine,
    "given engine in autocommit": partial(given_engine, isolation_level="AUTOCOMMIT"),
    "given session": given_session,
}


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Fail in every way at every place, swallow it, and try to commit; the same in savepoints that are rolled back."""
    async with arena.connection() as observer:
        for name, door in DOORS.items():
            async with door(arena) as unit:
                trial = Trial(unit, observer)
                failing = list(_failing(is_watched=door is not given_session))
                refused = [await trial.is_refused(failure, place) for failure, place in failing]
                yield everything(f"{name}: failed units that were refused", sum(refused), len(failing))
                saved = list(product(FAILURES, range(STEPS + 1)))
                committed = [await trial.is_committed(_in_savepoint(failure), place) for failure, place in saved]
                yield everything(f"{name}: units with a savepoint rolled back, committed", sum(committed), len(saved))


def _failing(*, is_watched: bool) -> Iterator[tuple[Failure, int]]:
    for failure, place in product(FAILURES, range(STEPS + 1)):
        if failure in ON_THE_DRIVER and place == 0:
            continue  # SQLAlchemy begins the transaction with its own first statement
        if not is_watched and place == STEPS and failure not in SEEN_BY_SESSION:
            continue  # no operation of ours comes after it, and the COMMIT is the host's
        yield failure, place


def _in_savepoint(failure: Failure) -> Failure:
    async def fail(work: UnitOfWork) -> None:
        async with work.session.begin_nested():
            await failure(work)

    return fail


class Trial:
    """Units of work of one kind, each of a user of its own."""

    def __init__(self, unit: Unit, observer: "asyncpg.Connection") -> None:
        self._unit = unit
        self._observer = observer

    async def is_refused(self, failure: Failure, place: int) -> bool:
        """Whether a unit in which everything was swallowed raises at its end, and has stored nothing."""
        user_id, is_refused = Arena.new_user(), False
        try:
            async with self._unit(user_id) as work:
                await _play(work, failure, place, Exception)
        except Exception:
            is_refused = True
        return is_refused and await self._stored(user_id) == 0

    async def is_committed(self, failure: Failure, place: int) -> bool:
        """Whether a unit in which only the host's failure was swallowed has stored everything."""
        user_id = Arena.new_user()
        try:
            async with self._unit(user_id) as work:
                await _play(work, failure, place)
        except Exception:
            return False
        return await self._stored(user_id) == STEPS - 1

    async def _stored(self, user_id: str) -> int:
        count: int = await self._observer.fetchval(
            "SELECT coalesce(sum(message_count), 0) FROM conversations WHERE user_id = $1", user_id
        )
        return count


async def _play(work: UnitOfWork, failure: Failure, place: int, *swallowed: type[Exception]) -> None:
    conversation = uuid4()
    for step in range(STEPS + 1):
        if step == place:
            with suppress(Exception):
                await failure(work)
        if step < STEPS:
            with suppress(*swallowed):
                await _operate(work, conversation, step)


async def _operate(work: UnitOfWork, conversation: UUID, step: int) -> None:
    if step == 0:
        await work.conversations.create(id=conversation)
    else:
        await work.messages.append(conversation, MessageCreate(role="user", content="Hi"))


CHECK = Check("failed units of work", run)
