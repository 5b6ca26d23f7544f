"""The service's own history, which leaves the tables of chat_persistence to theirs."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel
from tasks import models  # noqa: F401 (fills the metadata)
from tasks.database import database_url

from chat_persistence import make_host_engine, migrations


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, include_name=migrations.include_name)
    with context.begin_transaction():
        context.run_migrations()


async def run_on_own_engine() -> None:
    engine = make_host_engine(context.config.attributes.get("url") or database_url())
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(run_on_own_engine())
