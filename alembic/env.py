"""How Alembic comes to the tables: over a connection handed to it, over one of its own, or on paper.

All of it is one transaction, which queues behind other migrations. A revision that has to leave it, by
`autocommit_block`, loses its place in the queue (of processes that upgrade at once, some fail and are started again),
so it holds nothing else and can be repeated; and it names the schema: `op.get_context().version_table_schema`.
"""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from logging.config import fileConfig
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, event, func, inspect, select
from sqlalchemy.schema import CreateSchema

from chat_persistence.connection import ConnectionSettings, read_url
from chat_persistence.errors import ChatPersistenceError
from chat_persistence.migrations import QUEUE_UP, VERSION_TABLE, include_object, patient_engine
from chat_persistence.models import Base

SETTINGS = ("statement_timeout", "lock_timeout", "search_path")

arguments = context.get_x_argument(as_dictionary=True)
handed: Connection | None = context.config.attributes.get("connection")
schema: str | None = arguments.get("schema") or context.config.attributes.get("schema")


def run() -> None:
    if context.is_offline_mode():
        run_on_paper()
    elif handed is not None and "url" not in arguments:
        run_over(handed)
    else:
        run_in_a_loop_of_its_own()


def configure_logging() -> None:
    # A host that calls us has its own logging; only the `alembic` command needs ours.
    config = context.config
    if config.cmd_opts and config.config_file_name and config.file_config.has_section("loggers"):
        fileConfig(config.config_file_name, disable_existing_loggers=False)


def run_on_paper() -> None:
    configure(dialect_name="postgresql", literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        set_up_transaction()
        create_schema()
        context.run_migrations()


def run_in_a_loop_of_its_own() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(run_over_own_connection())
    else:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, run_over_own_connection()).result()


async def run_over_own_connection() -> None:
    async with patient_engine(own_settings()) as engine:
        transactional = engine.execution_options(isolation_level="READ COMMITTED")
        async with transactional.connect() as connection:
            await connection.run_sync(run_over)


def own_settings() -> ConnectionSettings:
    url = arguments.get("url") or os.environ.get("DATABASE_URL")
    if not url:
        raise CommandError("no database: set DATABASE_URL, or give -x url=postgresql://...")
    try:
        return read_url(url)
    except ChatPersistenceError as error:
        raise CommandError(str(error)) from None


def run_over(connection: Connection) -> None:
    if is_in_autocommit(connection):
        raise CommandError("a connection in AUTOCOMMIT cannot migrate: hand over one in READ COMMITTED")
    configure(connection=connection)
    with each_transaction_set_up(connection), context.begin_transaction():
        if is_schema_missing(connection):
            create_schema()
        context.run_migrations()


def configure(**way: Any) -> None:
    context.configure(
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        version_table_schema=schema,
        include_name=lambda name, type_, _parents: type_ != "table" or name in Base.metadata.tables,
        include_object=include_object,
        compare_server_default=True,
        **way,
    )


@contextmanager
def each_transaction_set_up(connection: Connection) -> Iterator[None]:
    if connection.in_transaction():
        with settings_put_back(connection):
            set_up_transaction()
            yield
    else:
        # Not once: `autocommit_block` ends the transaction and begins another.
        event.listen(connection, "begin", set_up_begun)
        try:
            yield
        finally:
            event.remove(connection, "begin", set_up_begun)


@contextmanager
def settings_put_back(connection: Connection) -> Iterator[None]:
    # Of a transaction that fails nothing stays, and nothing could be put back.
    before = connection.execute(select(*(func.current_setting(name) for name in SETTINGS))).one()
    yield
    connection.execute(
        select(*(func.set_config(name, value, True) for name, value in zip(SETTINGS, before, strict=True)))
    )


def set_up_begun(connection: Connection) -> None:
    if not is_in_autocommit(connection):
        set_up_transaction()


def set_up_transaction() -> None:
    for statement in QUEUE_UP:
        context.execute(statement)
    if schema:
        path = context.get_context().dialect.identifier_preparer.quote(schema)
        context.execute(select(func.set_config("search_path", path, True)))


def is_schema_missing(connection: Connection) -> bool:
    # `IF NOT EXISTS` alone asks for CREATE on the database even when the schema exists; and `current` only reads.
    only_reads = context.get_context().opts.get("dont_mutate", False)
    return schema is not None and not only_reads and not inspect(connection).has_schema(schema)


def create_schema() -> None:
    if schema:
        context.execute(CreateSchema(schema, if_not_exists=True))


def is_in_autocommit(connection: Connection) -> bool:
    driven = connection.connection.dbapi_connection
    return driven is not None and connection.dialect.detect_autocommit_setting(driven)


configure_logging()
run()
