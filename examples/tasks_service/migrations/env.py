"""The service's own history, which leaves the tables of chat_persistence to theirs."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel
from tasks import models  # noqa: F401 (fills the metadata)

from chat_persistence import make_host_engine, migrations
from chat_persistence.settings import ChatSettings


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, include_name=migrations.include_name)
    with context.begin_transaction():
        context.run_migrations()


async def run_on_own_engine() -> None:
    url = context.config.attributes.get("url")
    engine = make_host_engine(url) if url else ChatSettings().make_host_engine()
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(run_on_own_engine())
