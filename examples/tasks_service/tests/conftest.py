import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import delete
from sqlmodel.ext.asyncio.session import AsyncSession
from tasks.app import app
from tasks.models import User

from chat_persistence import ChatStore, make_host_engine, user_links

pytest_plugins = ["chat_persistence.testing"]


@pytest.fixture(scope="session")
def chat_prepare_database() -> Callable[[str], None]:
    async def link(url: str) -> None:
        engine = make_host_engine(url)
        await user_links.link(engine, "users")
        await engine.dispose()

    def prepare(url: str) -> None:
        command.upgrade(Config(Path(__file__).parents[1] / "alembic.ini", attributes={"url": url}), "head")
        asyncio.run(link(url))

    return prepare


@pytest.fixture
async def engine(chat_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_host_engine(chat_url)
    async with AsyncSession(engine) as session:
        for user_id in ("ada", "bob"):
            await session.merge(User(id=user_id))
        await session.commit()
    yield engine
    async with AsyncSession(engine) as session:
        await session.exec(delete(User))
        await session.commit()
    await engine.dispose()


@pytest.fixture
async def api(
    chat_url: str, chat_store: ChatStore, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("CHAT_PERSISTENCE_DATABASE_URL", chat_url)  # wins over DATABASE_URL and .env
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tasks", headers={"x-user": "ada"}) as client:
            yield client
