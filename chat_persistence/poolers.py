"""Whether a pooler answers, and whether it keeps for a client what that has prepared, found out by asking."""

import logging
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import asyncpg

from chat_persistence.compilation import Compilation
from chat_persistence.connection import ConnectionSettings, TimeLimits, connected
from chat_persistence.errors import ConfigurationError
from chat_persistence.statements import sessions
from chat_persistence.translation import translate

ROUNDS = 10
"""On an idle PgBouncer the first is enough; where others are busy, each misses it about one time in four."""

PATIENCE = 2.0
"""Seconds for the second connection: a pooler in session mode may have no other one of the server's to give."""

WRONG_PROFILE = (
    "a pooler answers that gives each transaction another connection of the server, where prepared statements are"
    ' missing: give ChatStore profile="pgbouncer", or profile="neon" if the server sleeps while nobody asks'
)

_log = logging.getLogger(__name__)


async def check_profile(settings: ConnectionSettings, limits: TimeLimits, compilation: Compilation) -> None:
    """Raise `ConfigurationError` when `direct` has met a pooler that loses prepared statements.

    A server is told by one question on one connection: the process that answers is the one that greeted us, where a
    pooler greets with a number that it makes up. After that, what breaks decides, on two connections: a pooler in
    session mode, and one that keeps statements for its clients, is as good as a server. None is refused wrongly. One
    in transaction mode is missed when ten times running the first of ours had the same connection of the server and
    the second had another, or when there was none for the second within two seconds.
    """
    try:
        fits = await _fits(settings, limits, compilation)
    except Exception as error:
        failure = translate(error)
    else:
        if fits:
            return
        failure = ConfigurationError(WRONG_PROFILE)
    raise failure


async def is_server(connection: "asyncpg.Connection", compilation: Compilation) -> bool:
    """Whether a server answers by itself: the process that answers is the one that greeted."""
    process = await connection.fetchval(compilation[sessions.server_process].sql)
    return bool(process == connection.get_server_pid())


async def _fits(settings: ConnectionSettings, limits: TimeLimits, compilation: Compilation) -> bool:
    async with connected(settings, limits) as ours:
        no_pooler = await is_server(ours, compilation)
        if no_pooler and settings.profile != "direct":
            _log.info('no pooler answers: profile="direct" would save a network turn a statement')
        if no_pooler or settings.profile != "direct":
            return True
        with suppress(TimeoutError):
            async with connected(settings, replace(limits, command=PATIENCE)) as anothers:
                return await _keeps_statements(ours, anothers, compilation)
        return True


async def _keeps_statements(
    ours: "asyncpg.Connection", anothers: "asyncpg.Connection", compilation: Compilation
) -> bool:
    name = f"chat_persistence_{uuid4().hex}"
    statement = await ours.prepare(compilation[sessions.server_process].sql, name=name)
    is_lost = False
    for _ in range(ROUNDS):
        is_lost = is_lost or await _is_lost(statement)
        try:
            if await _was_taken_over(anothers, name, compilation):
                return False
        except TimeoutError:
            break
    return not is_lost


async def _is_lost(statement: "asyncpg.prepared_stmt.PreparedStatement") -> bool:
    try:
        await statement.fetchval()
    except asyncpg.InvalidSQLStatementNameError:
        return True
    return False


async def _was_taken_over(anothers: "asyncpg.Connection", name: str, compilation: Compilation) -> bool:
    # In one transaction, so on one connection of the server, where nothing is to be left behind.
    await anothers.execute("BEGIN")
    is_here = bool(await anothers.fetchval(compilation[sessions.prepared].sql, name))
    if is_here:
        await anothers.execute(f'DEALLOCATE "{name}"')
    await anothers.execute("COMMIT")
    return is_here
