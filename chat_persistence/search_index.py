"""The index for search: an operator's act, which a host that offers no search does without.

It is a choice of whoever runs the database and no revision of the schema: later upgrades leave it as it is, and a
downgrade to `base` takes it away with the table. Each language has one of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chat_persistence import gin_indexes, migrations
from chat_persistence.search_languages import DEFAULT_LANGUAGE, catalog_names, check_language
from chat_persistence.statements import search_indexes as statements
from chat_persistence.translation import find_sqlstate, translate_for_operator

_REFUSALS = {
    "0A000": "messages is partitioned: create the index on each partition",
    "42501": "this role does not own the tables: let their owner run what `chat-persistence search-index create --sql`"
    " prints",
    "42704": "PostgreSQL has no text search configuration of that name in the search path: \\dF in psql lists them",
}

_WAIT_SECONDS = 0.2

TAKE_TURN = (
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "DO 'BEGIN IF NOT pg_try_advisory_xact_lock(hashtextextended(''chat_persistence search index'', 0))"
    " THEN RAISE lock_not_available; END IF; END'",
)
"""How whoever builds keeps others waiting, until the transaction ends. A build waits for all snapshots that are older,
so those who wait ask again and again; and the last statement is no SELECT, whose snapshot the driver would keep."""

_SOMEBODY_ELSES = "55P03"

_UNLIMITED = {"statement_limit": "0", "lock_limit": "0"}
"""A build waits for transactions that are older than it, and nobody waits for it."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a build is: PostgreSQL's name of the phase, and blocks of the table; none while it only waits."""

    phase: str
    blocks_done: int
    blocks_total: int
    is_waiting: bool
    """Whether it waits for transactions of others to end."""


OnProgress = Callable[[IndexProgress], None]


async def create(
    engine: AsyncEngine,
    language: str = DEFAULT_LANGUAGE,
    *,
    schema: str | None = None,
    on_progress: OnProgress | None = None,
) -> None:
    """Create the index for `messages.search` in a language; there already, do nothing.

    Reads and writes go on meanwhile. It may be said again after an interruption, and by several at once: one builds
    and the others wait for it. It takes three connections.

    Raise `ConfigurationError` when there is no such language or this role may not; `SchemaMismatch` when our tables are
    not of this version; and `StoreUnavailable`, also when the engine's own time limit for a statement ran out.
    """
    check_language(language)
    await migrations.check(engine, schema)
    await _run(engine, language, schema, [gin_indexes.create(language, schema)], on_progress)


async def drop(engine: AsyncEngine, language: str = DEFAULT_LANGUAGE, *, schema: str | None = None) -> None:
    """Drop the index; not there, do nothing. Raise what `create` raises."""
    check_language(language)
    await migrations.check(engine, schema)
    await _run(engine, language, schema, [], None)


def create_sql(language: str = DEFAULT_LANGUAGE, *, schema: str | None = None) -> str:
    """Return the SQL of `create`, for somebody else to run, in no transaction; it builds anew."""
    return _script(gin_indexes.drop(language, schema), gin_indexes.create(language, schema))


def drop_sql(language: str = DEFAULT_LANGUAGE, *, schema: str | None = None) -> str:
    """Return the SQL of `drop`, for somebody else to run, in no transaction."""
    return _script(gin_indexes.drop(language, schema))


def _script(*statements: str) -> str:
    return "".join(f"{statement};\n" for statement in statements)


async def _run(
    engine: AsyncEngine, language: str, schema: str | None, build: list[str], on_progress: OnProgress | None
) -> None:
    """Have the index as `build` makes it, or no index."""
    names = catalog_names(language, schema)
    try:
        async with _turn(engine), _unlimited(engine) as working:
            is_valid = (await working.execute(statements.is_valid(), names)).scalar_one_or_none()
            if is_valid and build:
                return
            async with _watched(engine, names, on_progress):
                for statement in [gin_indexes.drop(language, schema), *build]:
                    await working.exec_driver_sql(statement)
    except Exception as error:
        failure = translate_for_operator(error, _REFUSALS)
    else:
        return
    raise failure


@asynccontextmanager
async def _turn(engine: AsyncEngine) -> AsyncIterator[None]:
    """Wait until nobody else is at it, and keep others waiting."""
    transactional = engine.execution_options(isolation_level="READ COMMITTED")
    async with transactional.connect() as connection:
        while not await _takes_turn(connection):  # noqa: ASYNC110 (what is waited for happens in PostgreSQL)
            await asyncio.sleep(_WAIT_SECONDS)
        yield


async def _takes_turn(connection: AsyncConnection) -> bool:
    try:
        for statement in TAKE_TURN:
            await connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if find_sqlstate(error) != _SOMEBODY_ELSES:
            raise
        await connection.rollback()
        return False
    return True


@asynccontextmanager
async def _unlimited(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yield a connection in autocommit, as such a build needs it; its limits are the session's own again after."""
    async with _in_autocommit(engine).connect() as connection:
        limits = (await connection.execute(statements.limits())).mappings().one()
        await connection.execute(statements.set_limits(), _UNLIMITED)
        try:
            yield connection
        finally:
            with suppress(Exception):  # of a connection that was lost nothing stays
                await connection.execute(statements.set_limits(), limits)


@asynccontextmanager
async def _watched(engine: AsyncEngine, names: dict[str, str], on_progress: OnProgress | None) -> AsyncIterator[None]:
    if on_progress is None:
        yield
        return
    watching = asyncio.create_task(_watch(engine, names, on_progress))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])


async def _watch(engine: AsyncEngine, names: dict[str, str], on_progress: OnProgress) -> None:
    async with _in_autocommit(engine).connect() as connection:
        while True:
            await asyncio.sleep(_WAIT_SECONDS)
            found = (await connection.execute(statements.progress(), names)).one_or_none()
            if found is not None:
                on_progress(IndexProgress(*found))


def _in_autocommit(engine: AsyncEngine) -> AsyncEngine:
    # A schema is given by name here, never by translation.
    return engine.execution_options(isolation_level="AUTOCOMMIT", schema_translate_map=None)
