"""A provider's URL and profile made an engine."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, get_args

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from chat_persistence import pool_log
from chat_persistence.closing import close_or_terminate
from chat_persistence.connection_parameters import check, trusts_system_roots, write_dsn
from chat_persistence.connection_url import Host, take_apart
from chat_persistence.errors import ConfigurationError, OutcomeUnknown, UnitOfWorkFailed

Profile = Literal["direct", "pgbouncer", "neon"]
"""Who answers.

`direct`: a server, or a pooler that keeps prepared statements for its clients (in session mode, or PgBouncer from
1.21 on with `max_prepared_statements`). `pgbouncer`: a pooler that may give every transaction another of the server's
connections, so that nothing stays prepared and a statement is two network turns. `neon`: such a pooler before a server
that sleeps while nobody asks: as `pgbouncer`, and a connection may take 15 s.
"""

CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 15.0

WAKING_TIMEOUT = 15.0
"""Seconds for a connection to a server that may be asleep: Neon's wake within one, and take more on a bad day."""

POOL_RECYCLE = 240
"""Seconds after which a connection is made anew: Neon suspends at 300, Fly's proxy cuts at 600."""

# Neon and Zalando print `…-pooler.`, Fly `pgbouncer.`, Prisma `pooled.`
POOLER_NAME = re.compile(r"([^./]+-pooler|pgbouncer|pooled)(\.|$)", re.IGNORECASE)

SLEEPER_NAME = re.compile(r"[^/]+\.neon\.tech", re.IGNORECASE)

# PgBouncer's own default, which Azure and PlanetScale print, and Supabase's. A pooler taken for a server
# loses statements (746 of 800); a server taken for a pooler costs one network turn a statement.
POOLER_PORTS = frozenset({"6432", "6543"})


_WAS_USED = "chat_persistence: was used"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is, as far as a URL tells: of several hosts it is none, and the environment is not read."""

    database: str | None = None
    host: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What a URL says. The password is inside `dsn`, which no `repr` shows."""

    dsn: str = field(repr=False)
    profile: Profile
    place: Place = Place()
    connect_timeout: float | None = None
    """Seconds, if the URL names them; 0 waits for ever, as with libpq."""
    sleeps: bool = False
    """Whether the server may have to wake before it answers."""
    system_roots: bool = False
    """Whether the system's own root certificates verify the server (`sslrootcert=system`)."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """In seconds, to connect and for an answer; without the first, as long as the settings' server may need."""

    connect: float | None = None
    command: float = COMMAND_TIMEOUT


class TaggedConnection(asyncpg.Connection):
    """A connection that tells when a COMMIT stored nothing, and is closed when its end or its beginning got no answer.

    PostgreSQL answers ROLLBACK to the COMMIT of a transaction in which a statement had failed; asyncpg and
    SQLAlchemy take it for a commit.
    """

    __slots__ = ()

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:  # noqa: ASYNC109 (asyncpg's)
        """Raise `UnitOfWorkFailed` when this COMMIT stored nothing, `OutcomeUnknown` when it comes too late."""
        is_commit = query.lstrip()[:6].upper() == "COMMIT"
        if is_commit and not self.is_closed() and not self.is_in_transaction():
            raise OutcomeUnknown("the transaction was ended by hand")
        try:
            tag: str = await super().execute(query, *args, timeout=timeout)
        except (TimeoutError, asyncio.CancelledError):
            # The pool would give it to somebody else, to whom it might never answer either; and SQLAlchemy waits
            # longer for its goodbye.
            await close_or_terminate(self)
            raise
        if is_commit and tag == "ROLLBACK":
            raise UnitOfWorkFailed
        return tag

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 (asyncpg's)
        """Close within the time given, also where asyncpg 0.30 waits without end to tell the server to cancel."""
        async with asyncio.timeout(timeout):
            await super().close(timeout=timeout)

    async def set_type_codec(self, *args: object, **kwargs: object) -> None:
        """Set up a codec, as SQLAlchemy does first of all on a new connection, or close this connection and raise."""
        try:
            await super().set_type_codec(*args, **kwargs)
        except BaseException:
            # Before 2.1, SQLAlchemy only forgets it: a server that was too busy would keep them all.
            self.terminate()
            raise


def read_url(url: str, profile: Profile | None = None) -> ConnectionSettings:
    """Read any PostgreSQL URL as it was pasted; without a `profile`, find it in the URL.

    `sslmode` is in force. `channel_binding=require`, which Neon prints and asyncpg cannot do, is dropped:
    where it matters, say `sslmode=verify-full`. `connect_timeout` is for all of several hosts together. What
    libpq does not know is a setting for the server, which refuses it unless it is one.

    Raises `ConfigurationError`, which never quotes the URL: it is not PostgreSQL's, cannot be taken apart, or
    asks for what asyncpg cannot do.
    """
    if profile is not None and profile not in get_args(Profile):
        raise ConfigurationError(f"the profile must be one of: {', '.join(get_args(Profile))}")
    hosts, parameters = take_apart(url)
    check(parameters)
    sleeps = any(SLEEPER_NAME.fullmatch(host.name) for host in hosts)
    if profile is None:
        profile = ("neon" if sleeps else "pgbouncer") if _is_pooler(hosts, parameters) else "direct"
    return ConnectionSettings(
        dsn=write_dsn(hosts, parameters),
        profile=profile,
        place=_place(hosts, parameters),
        connect_timeout=_read_timeout(parameters.get("connect_timeout")),
        sleeps=sleeps or profile == "neon",
        system_roots=trusts_system_roots(parameters),
    )


def _place(hosts: list[Host], parameters: Mapping[str, str]) -> Place:
    database = parameters.get("dbname")
    if len(hosts) != 1:
        return Place(database)
    return Place(database, hosts[0].name, int(hosts[0].port) if hosts[0].port else None)


def _is_pooler(hosts: list[Host], parameters: Mapping[str, str]) -> bool:
    caches = (parameters.get("statement_cache_size"), parameters.get("prepared_statement_cache_size"))
    return (
        parameters.get("pgbouncer") == "true"
        or "0" in caches
        or any(host.port in POOLER_PORTS or POOLER_NAME.match(host.name) for host in hosts)
    )


def _read_timeout(seconds: str | None) -> float | None:
    if seconds is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,9}", seconds):
        raise ConfigurationError("connect_timeout in the database URL must be a whole number of seconds")
    return max(float(seconds), 0.0)


def make_engine(
    settings: ConnectionSettings,
    *,
    pool_size: int = 10,
    pool_timeout: float = 60.0,
    connect_timeout: float | None = None,
    command_timeout: float = COMMAND_TIMEOUT,
) -> AsyncEngine:
    """Make an engine in autocommit that sets nothing in a session. Nothing is connected yet.

    All times are in seconds; the URL's own `connect_timeout` wins, and without any it is 5, or 15 where the server may
    be asleep. `watch_for_dead_connections` is the caller's.
    """
    if pool_size < 1:
        raise ConfigurationError("the pool needs at least one connection")  # 0 is no limit to SQLAlchemy
    engine = create_async_engine(
        "postgresql+asyncpg://",  # nothing of the URL, so no repr and no log can show the password
        connect_args=_connect_arguments(settings, connect_timeout, command_timeout),
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,  # 5 s failed 1,268 of 10,000 users who called at once on 10 connections
        pool_recycle=POOL_RECYCLE,
        pool_use_lifo=True,  # the backend that answered last is warm: taking turns costs a third of a read
        pool_logging_name=pool_log.LOGGING_NAME,
    )
    pool_log.keep_to_kinds(engine)
    return engine


def _connect_arguments(
    settings: ConnectionSettings, connect_timeout: float | None, command_timeout: float
) -> dict[str, object]:
    arguments = driver_arguments(settings, connect_timeout, command_timeout) | statement_arguments(settings)
    arguments["connection_class"] = TaggedConnection
    arguments["max_cached_statement_lifetime"] = 0  # for ever: asyncpg would prepare each anew every five minutes
    return arguments


def statement_arguments(settings: ConnectionSettings) -> dict[str, object]:
    """Return how SQLAlchemy is to prepare statements for what the profile says."""
    if settings.profile == "direct":
        return {}
    # Every statement is the unnamed one, so that none stays in a server that serves somebody else next.
    # asyncpg 0.30 names them even without a cache.
    return {
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: "",
    }


def driver_arguments(
    settings: ConnectionSettings, connect_timeout: float | None, command_timeout: float
) -> dict[str, object]:
    """Return what asyncpg is to connect with."""
    if connect_timeout is None:
        connect_timeout = WAKING_TIMEOUT if settings.sleeps else CONNECT_TIMEOUT
    if settings.connect_timeout is not None:
        connect_timeout = settings.connect_timeout
    arguments: dict[str, object] = {
        "dsn": settings.dsn,
        "timeout": connect_timeout or None,
        "command_timeout": command_timeout,
    }
    if settings.system_roots:
        arguments["ssl"] = True
    return arguments


@asynccontextmanager
async def connected(settings: ConnectionSettings, limits: TimeLimits) -> "AsyncIterator[asyncpg.Connection]":
    """Yield a connection of the driver's own, on which nothing is prepared unless it is given a name."""
    arguments = driver_arguments(settings, limits.connect, limits.command)
    connection = await asyncpg.connect(**arguments, statement_cache_size=0)
    try:
        yield connection
    finally:
        # `close()` waits, without a limit, until a question that had no answer in time is cancelled.
        connection.terminate()


def join_engine(engine: AsyncEngine) -> None:
    """Raise `ConfigurationError` unless a host's own engine runs on asyncpg, as our statements need."""
    if engine.dialect.driver != "asyncpg":
        raise ConfigurationError(
            f"the engine given runs on {engine.dialect.driver}; make it by "
            'create_async_engine("postgresql+asyncpg://…")'
        )


def place_of(engine: AsyncEngine) -> Place:
    """Return where the database of a host's own engine is."""
    return Place(engine.url.database, engine.url.host, engine.url.port)


def watch_for_dead_connections(engine: AsyncEngine) -> Callable[[], None]:
    """Have the pool replace connections that were closed while idle; return what stops it again.

    It costs no round trip, for asyncpg knows. Who goes below SQLAlchemy's `Connection`, which invalidates the
    pool when a statement fails, would otherwise be given the dead ones for ever.
    """
    pool = engine.sync_engine.pool

    # A function of its own each time: two stores on one engine can each stop theirs.
    def refuse_dead(_: DBAPIConnection, entry: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
        connection = entry.driver_connection
        # One that dies as soon as it was made fails when it is used: the pool would replace no second one.
        was_used = entry.info.get(_WAS_USED)
        entry.info[_WAS_USED] = True
        if was_used and connection is not None and connection.is_closed():
            raise InvalidatePoolError  # what closed one has most likely closed the others

    event.listen(pool, "checkout", refuse_dead)
    return lambda: event.remove(pool, "checkout", refuse_dead)
