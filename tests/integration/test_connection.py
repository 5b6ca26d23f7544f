"""Engines on a real PostgreSQL: what a COMMIT said, dead connections, poolers, and every parameter of a URL."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from chat_persistence.connection import Profile, make_engine, read_url, watch_for_dead_connections
from chat_persistence.connection_url import take_apart
from chat_persistence.errors import UnitOfWorkFailed

INSERT = text("INSERT INTO said VALUES ('hello')")
FAILING = text("SELECT 1 / 0")


@pytest.fixture
async def engine(empty_database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(read_url(empty_database), pool_size=12)
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE said (what text)"))
    yield engine
    await engine.dispose()


@pytest.fixture
def transactional(engine: AsyncEngine) -> AsyncEngine:
    return engine.execution_options(isolation_level="READ COMMITTED")


async def stored(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM said"))).scalar_one())


def with_parameters(url: str, parameters: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{parameters}"


async def swallow_in_core(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(INSERT)
        with pytest.raises(exc.DBAPIError):
            await connection.execute(FAILING)
        await connection.commit()


async def swallow_in_a_begin_block(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(INSERT)
        with pytest.raises(exc.DBAPIError):
            await connection.execute(FAILING)


async def swallow_in_an_orm_session(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, session.begin():
        await session.execute(INSERT)
        with pytest.raises(exc.DBAPIError):
            await session.execute(FAILING)


async def swallow_on_the_drivers_own_connection(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        driver_connection = (await connection.get_raw_connection()).driver_connection
        assert driver_connection is not None
        await driver_connection.execute("BEGIN; INSERT INTO said VALUES ('hello')")
        with pytest.raises(Exception, match="division by zero"):
            await driver_connection.execute("SELECT 1 / 0")
        await driver_connection.execute(" commit")


@pytest.mark.parametrize(
    "swallow",
    [
        swallow_in_core,
        swallow_in_a_begin_block,
        swallow_in_an_orm_session,
        swallow_on_the_drivers_own_connection,
    ],
)
async def test_the_commit_of_a_failed_transaction_raises(
    transactional: AsyncEngine, swallow: Callable[[AsyncEngine], Awaitable[None]]
) -> None:
    with pytest.raises(UnitOfWorkFailed):
        await swallow(transactional)

    assert await stored(transactional) == 0


async def test_the_connection_is_usable_after_its_commit_raised(transactional: AsyncEngine) -> None:
    for _ in range(3):
        with pytest.raises(UnitOfWorkFailed):
            await swallow_in_core(transactional)
    async with transactional.begin() as connection:
        await connection.execute(INSERT)

    assert await stored(transactional) == 1
    assert "Connections in pool: 1 " in transactional.pool.status()


async def test_a_commit_after_a_savepoint_was_rolled_back_stores(transactional: AsyncEngine) -> None:
    async with AsyncSession(transactional) as session, session.begin():
        await session.execute(INSERT)
        with pytest.raises(exc.DBAPIError):
            async with session.begin_nested():
                await session.execute(FAILING)

    assert await stored(transactional) == 1


async def test_a_rollback_that_was_asked_for_is_no_failure(transactional: AsyncEngine) -> None:
    async with transactional.connect() as connection:
        await connection.execute(INSERT)
        await connection.rollback()

    assert await stored(transactional) == 0


async def test_a_statement_alone_needs_no_commit(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(INSERT)
        await connection.rollback()

    assert await stored(engine) == 1


async def terminate_idle(engine: AsyncEngine, url: str) -> list[int]:
    """Fill the pool, have the server close all of it, wait until the driver has heard; return who died."""
    ends = [asyncio.Event() for _ in range(12)]
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(engine.connect()) for _ in ends]
        dead = [await backend(connection) for connection in connections]
        for connection, end in zip(connections, ends, strict=True):
            await tell_when_it_ends(connection, end)
    await terminate_all_others(url)
    async with asyncio.timeout(5):
        await asyncio.gather(*(end.wait() for end in ends))
    return dead


async def tell_when_it_ends(connection: AsyncConnection, end: asyncio.Event) -> None:
    driver_connection = (await connection.get_raw_connection()).driver_connection
    assert driver_connection is not None
    driver_connection.add_termination_listener(lambda _: end.set())


async def terminate_all_others(url: str) -> None:
    engine = make_engine(read_url(url))
    async with engine.connect() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    await engine.dispose()


async def backend(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def ask(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return await backend(connection)


@pytest.mark.parametrize("disposed", [False, True])
async def test_connections_that_died_idle_are_replaced_and_nobody_notices(
    engine: AsyncEngine, empty_database: str, disposed: bool
) -> None:
    watch_for_dead_connections(engine)
    if disposed:
        await engine.dispose()
    dead = await terminate_idle(engine, empty_database)

    answers = await asyncio.gather(*(ask(engine) for _ in range(12)))

    assert len(set(dead)) == len(answers) == 12
    assert set(dead).isdisjoint(answers)


async def test_an_engine_that_is_watched_no_more_gives_out_the_dead(engine: AsyncEngine, empty_database: str) -> None:
    watch_for_dead_connections(engine)()
    await terminate_idle(engine, empty_database)

    with pytest.raises(exc.DBAPIError):
        await ask(engine)


@pytest.mark.parametrize(("profile", "leaves_any"), [("pgbouncer", False), ("neon", False), ("direct", True)])
async def test_behind_a_pooler_no_prepared_statement_is_left(
    database_url: str, profile: Profile, leaves_any: bool
) -> None:
    engine = make_engine(read_url(database_url, profile), pool_size=1)
    for _ in range(3):
        await ask(engine)

    async with engine.connect() as connection:
        left = (await connection.execute(text("SELECT count(*) FROM pg_prepared_statements"))).scalar_one()
    await engine.dispose()

    assert (left > 0) is leaves_any


async def test_a_url_with_all_of_libpqs_parameters_connects(database_url: str) -> None:
    url = with_parameters(
        database_url,
        "sslmode=prefer&channel_binding=prefer&gssencmode=disable&keepalives=1&keepalives_idle=30&connect_timeout=10"
        "&target_session_attrs=read-write&tcp_user_timeout=0&load_balance_hosts=disable&sslnegotiation=postgres"
        "&sslsni=1&sslcompression=0&client_encoding=UTF8&krbsrvname=postgres&pgbouncer=true&connection_limit=1"
        "&pool_timeout=0&supa=x&statement_cache_size=0&application_name=a%20bot&options=-c%20work_mem%3D5MB",
    )
    engine = make_engine(read_url(url))

    async with engine.connect() as connection:
        settings = text("SELECT current_setting('application_name'), current_setting('work_mem')")
        row = (await connection.execute(settings)).one()
    await engine.dispose()

    assert tuple(row) == ("a bot", "5MB")


async def test_a_host_that_is_down_is_passed_over(database_url: str) -> None:
    (host,) = take_apart(database_url).hosts
    url = with_parameters(database_url, f"host=/absent,{host.name}&port={host.port or 5432}")
    engine = make_engine(read_url(url))

    assert await ask(engine)
    await engine.dispose()


async def test_an_error_shows_no_parameter(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(exc.DBAPIError) as raised:
            await connection.execute(text("SELECT CAST(:said AS text), 1 / 0"), {"said": "a secret"})

    assert "a secret" not in f"{raised.value}{raised.value!r}"


async def test_no_error_shows_the_password() -> None:
    engine = make_engine(read_url("postgresql://ada:s3cret@127.0.0.1:1/chat"))

    with pytest.raises(OSError) as raised:  # noqa: PT011 (whatever the system says)
        await ask(engine)

    assert "s3cret" not in "".join(traceback.format_exception(raised.value))


async def test_the_pool_lets_wait_and_never_overflows(database_url: str) -> None:
    engine = make_engine(read_url(database_url), pool_size=1, pool_timeout=0.05)

    async with engine.connect():
        with pytest.raises(exc.TimeoutError):
            await ask(engine)
    await engine.dispose()
