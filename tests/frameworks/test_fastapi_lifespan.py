"""The store opens with the application, and closes with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette

from chat_persistence import ChatStore, ConfigurationError, SchemaMismatch, StoreClosed
from chat_persistence.integrations.fastapi import chat_lifespan, chat_store


async def test_the_store_is_open_as_long_as_the_application_runs(migrated_database: str, user_id: str) -> None:
    app = FastAPI(lifespan=chat_lifespan(lambda: ChatStore(migrated_database)))

    async with app.router.lifespan_context(app):
        store = app.state.chat_store
        await store.for_user(user_id).conversations.create()

    with pytest.raises(StoreClosed):
        store.for_user(user_id)


async def test_an_application_can_be_started_again(migrated_database: str) -> None:
    app = FastAPI(lifespan=chat_lifespan(lambda: ChatStore(migrated_database)))

    for _ in range(2):
        async with app.router.lifespan_context(app):
            await app.state.chat_store.users(limit=1)


async def test_it_is_part_of_a_lifespan_that_the_host_has(migrated_database: str) -> None:
    chats = chat_lifespan(lambda: ChatStore(migrated_database))

    @asynccontextmanager
    async def own(app: Starlette) -> AsyncIterator[dict[str, str]]:
        async with chats(app):
            yield {"own": "state"}

    app = FastAPI(lifespan=own)

    async with app.router.lifespan_context(app) as state:
        assert isinstance(app.state.chat_store, ChatStore)
        assert state == {"own": "state"}


async def test_an_application_before_its_migrations_does_not_start(empty_database: str) -> None:
    app = FastAPI(lifespan=chat_lifespan(lambda: ChatStore(empty_database)))

    with pytest.raises(SchemaMismatch, match="chat-persistence upgrade"):
        async with app.router.lifespan_context(app):
            pass


async def test_for_development_it_migrates_itself(empty_database: str) -> None:
    app = FastAPI(lifespan=chat_lifespan(lambda: ChatStore(empty_database), migrate=True))

    async with app.router.lifespan_context(app):
        assert await app.state.chat_store.users() == []


async def test_a_route_of_an_application_without_a_store_says_what_is_missing() -> None:
    app = FastAPI()

    @app.get("/")
    async def users(store: Annotated[ChatStore, Depends(chat_store)]) -> list[str]:
        return await store.users()

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://host") as client:
        with pytest.raises(ConfigurationError, match="chat_lifespan"):
            await client.get("/")
