"""Bringing the tables to the revision of this version, by Alembic scripts that travel in the package."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.environment import NameFilterParentNames, NameFilterType
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Column, Connection, MetaData, String, Table, column, inspect, select, table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateTable, SchemaItem

from chat_persistence.connection import ConnectionSettings, make_engine
from chat_persistence.errors import ChatPersistenceError, ConfigurationError, SchemaMismatch
from chat_persistence.foreign_keys import GENERATED, INDEXES
from chat_persistence.models import Base
from chat_persistence.revision_operations import create_search_index as create_search_index
from chat_persistence.revision_operations import drop_search_index as drop_search_index
from chat_persistence.revision_operations import link_users as link_users
from chat_persistence.revision_operations import unlink_users as unlink_users
from chat_persistence.revision_operations import validate_users as validate_users
from chat_persistence.search_languages import INDEX_PREFIX
from chat_persistence.statements.user_links import FOREIGN_KEY
from chat_persistence.translation import translate_for_operator, upgrade_command
from chat_persistence.validation import check_schema

VERSION_TABLE = "chat_persistence_version"
REVISION_PREFIX = "cp_"
HOSTS_CHOICES = {FOREIGN_KEY, *GENERATED.values(), *INDEXES.values()}
"""What `link_users` adds to our tables, and no model of ours has."""

UPDATE_COMMAND = "pip install --upgrade chat-persistence"
"""What helps when the database was migrated by a newer version of the library."""

QUEUE_UP = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = '60s'",
    "SELECT pg_advisory_xact_lock(hashtextextended('chat_persistence', 0))",
    "SET LOCAL lock_timeout = '5s'",
)
"""How a transaction that changes the schema begins: behind all others that do, for a minute at most. For a table it
waits five seconds, since everybody else waits behind it meanwhile."""

COMMAND_TIMEOUT = 86_400.0
"""Seconds: an operation's own limit is too short for the statements of a migration."""

READ_TIMEOUT = 15.0

_REFUSALS = {
    "2BP01": "something of yours depends on the tables of chat_persistence: remove that first",
    "42501": "this role may not change the schema: let its owner run what `chat-persistence upgrade --sql` prints",
    "42P07": "a table that has the name of one of ours exists already: choose another `schema`; or, where your own"
    " history brings our revisions, let it keep our record by `on_version_apply=migrations.record_version`",
}
# Alembic's `context` and `op` are globals of the process: two migrations at once would mix up their databases.
_ALEMBIC = threading.Lock()
_POLL_SECONDS = 0.02

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The revision that a database is at, and the one that this version of the library needs."""

    current: str | None
    head: str
    is_newer: bool = False
    """Whether this version of the library does not know the database's revision."""

    @property
    def is_current(self) -> bool:
        """Whether the tables are those of this version."""
        return self.current == self.head

    @property
    def behind(self) -> bool:
        """Whether `upgrade` has something to do."""
        return not self.is_current and not self.is_newer


def script_location() -> Path:
    """Return the scripts' folder: inside of the package once installed, beside it in a checkout."""
    package = Path(__file__).parent
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent / "alembic"


def configuration(
    connection: Connection | None = None,
    schema: str | None = None,
    output: TextIO | None = None,
) -> Config:
    """Return what each of Alembic's commands takes. SQL that is only printed goes to `output`.

    The connection comes from `engine.connect()` and is not in AUTOCOMMIT; without one, `$DATABASE_URL` is used.
    """
    config = Config(output_buffer=output, attributes={"connection": connection, "schema": check_schema(schema)})
    # A "%" would be read as the beginning of an interpolation.
    config.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@asynccontextmanager
async def patient_engine(
    settings: ConnectionSettings, connect_timeout: float | None = None
) -> AsyncIterator[AsyncEngine]:
    """Yield an engine whose statements may take as long as a migration's do; some can watch another."""
    engine = make_engine(settings, pool_size=3, connect_timeout=connect_timeout, command_timeout=COMMAND_TIMEOUT)
    try:
        yield engine
    finally:
        await engine.dispose()


async def upgrade(engine: AsyncEngine, schema: str | None = None, revision: str = "head") -> None:
    """Bring the tables to a revision, all in one transaction; a missing `schema` is created.

    When they are there already, nothing is locked. Raises `StoreUnavailable` when another migration took
    longer than a minute, a table was in use for longer than five seconds, or the engine's own time limit for a
    statement ran out (see `patient_engine`); `SchemaMismatch` when the database is newer than this version of
    the library; `ConfigurationError` when this role, this schema or that revision will not do.
    """
    found = await _status_of_known(engine, schema)
    if revision in ("head", found.head) and found.is_current:
        return
    await _run_command(engine, schema, lambda config: command.upgrade(config, revision))


async def downgrade(engine: AsyncEngine, schema: str | None = None, revision: str = "base") -> None:
    """Take the tables back to a revision; `base` drops them, and every message with them.

    Raises what `upgrade` raises.
    """
    await _status_of_known(engine, schema)
    await _run_command(engine, schema, lambda config: command.downgrade(config, revision))


async def upgrade_sql(schema: str | None = None, revision: str = "head") -> str:
    """Return the SQL by which an empty database gets to a revision, or one at `a` to `b` (`"a:b"`)."""
    return await _print_command(schema, lambda config: command.upgrade(config, revision, sql=True))


async def downgrade_sql(schema: str | None = None, revision: str = "head:base") -> str:
    """Return the SQL by which a database goes back from `a` to `b` (`"a:b"`)."""
    return await _print_command(schema, lambda config: command.downgrade(config, revision, sql=True))


async def status(engine: AsyncEngine, schema: str | None = None) -> MigrationStatus:
    """Return where the database is, by two reads that wait for no lock; for an answer they wait 15 s at most."""
    script = ScriptDirectory.from_config(configuration(schema=schema))
    known = {each.revision for each in script.walk_revisions()}
    (head,) = script.get_heads()
    current = await _run(engine, lambda connection: _read_current(connection, schema), seconds=READ_TIMEOUT)
    return MigrationStatus(current, head, is_newer=current is not None and current not in known)


async def check(engine: AsyncEngine, schema: str | None = None) -> None:
    """Raise `SchemaMismatch`, with the command to run, unless the tables are those of this version."""
    found = await _status_of_known(engine, schema)
    if not found.is_current:
        raise SchemaMismatch(found.current, found.head, upgrade_command(schema))


def include_name(
    name: str | None,
    type_: NameFilterType,
    parent_names: NameFilterParentNames,  # noqa: ARG001 (Alembic gives it)
) -> bool:
    """Hide our tables from a host's autogenerate, which would drop them: give it to `context.configure`.

    They are hidden by name in every schema; a host whose own tables have these names, and who runs with
    `include_schemas`, hides our schema instead.
    """
    return type_ != "table" or (name != VERSION_TABLE and name not in Base.metadata.tables)


def include_object(
    object_: SchemaItem,  # noqa: ARG001 (Alembic gives all of them)
    name: str | None,
    type_: str,  # noqa: ARG001
    reflected: bool,  # noqa: ARG001
    compare_to: object,  # noqa: ARG001
) -> bool:
    """Leave what `link_users` and `create_search_index` added out of a comparison: give it to `context.configure`.

    For a host that has our `Base.metadata` among its own; `include_name` hides all of our tables anyway.
    """
    return name is None or not (name in HOSTS_CHOICES or name.startswith(INDEX_PREFIX))


def record_version(*, ctx: MigrationContext, step: MigrationInfo, **_: object) -> None:
    """Keep our own record when a host's `env.py` runs our revisions: give it to `on_version_apply`.

    Else `check`, `upgrade` and `ChatStore.migrate` would find no version and take the tables for missing.
    """
    if not any(revision.startswith(REVISION_PREFIX) for revision in step.up_revision_ids):
        return
    record = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
    ctx.execute(CreateTable(record, if_not_exists=True))
    ctx.execute(record.delete())
    for revision in step.destination_revision_ids:
        ctx.execute(record.insert().values(version_num=revision))


async def _status_of_known(engine: AsyncEngine, schema: str | None) -> MigrationStatus:
    found = await status(engine, schema)
    if found.is_newer:
        raise SchemaMismatch(found.current, found.head, UPDATE_COMMAND)
    return found


def _read_current(connection: Connection, schema: str | None) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE, schema):
        return None
    versions = table(VERSION_TABLE, column("version_num"), schema=schema)
    return ", ".join(sorted(connection.scalars(select(versions.c.version_num)))) or None


async def _run_command(engine: AsyncEngine, schema: str | None, run: Callable[[Config], None]) -> None:
    async with _alone_in_this_process():
        await _run(engine, lambda connection: run(configuration(connection, schema)))


async def _print_command(schema: str | None, run: Callable[[Config], None]) -> str:
    printed = io.StringIO()
    failure: ChatPersistenceError | None = None
    async with _alone_in_this_process():
        try:
            run(configuration(None, schema, printed))
        except CommandError as error:
            failure = ConfigurationError(str(error))
    if failure is not None:
        raise failure
    return printed.getvalue()


@asynccontextmanager
async def _alone_in_this_process() -> AsyncIterator[None]:
    while not _ALEMBIC.acquire(blocking=False):  # noqa: ASYNC110 (no event of asyncio's is for several threads)
        await asyncio.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        _ALEMBIC.release()


async def _run(
    engine: AsyncEngine, work: Callable[[Connection], _Result], *, seconds: float = COMMAND_TIMEOUT
) -> _Result:
    # Not the engine's AUTOCOMMIT; and a schema is given by name here, never by translation.
    migrating = engine.execution_options(isolation_level="READ COMMITTED", schema_translate_map=None)
    try:
        # Not `begin()`: Alembic's `autocommit_block` has to end the transaction itself.
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(seconds):  # on a new connection, SQLAlchemy has questions of its own
                connection = await stack.enter_async_context(migrating.connect())
            async with _ended_after(connection, seconds):
                return await connection.run_sync(work)
    except Exception as error:
        failure = _translate(error)
    raise failure


@asynccontextmanager
async def _ended_after(connection: AsyncConnection, seconds: float) -> AsyncIterator[None]:
    # Not `asyncio.timeout`: SQLAlchemy would then wait for the goodbye of a connection that does not answer.
    driver: Any = (await connection.get_raw_connection()).driver_connection
    ending = asyncio.get_running_loop().call_later(seconds, driver.terminate)
    try:
        yield
    finally:
        ending.cancel()


def _translate(error: Exception) -> ChatPersistenceError:
    if isinstance(error, CommandError):
        return ConfigurationError(str(error))
    return translate_for_operator(error, _REFUSALS)
