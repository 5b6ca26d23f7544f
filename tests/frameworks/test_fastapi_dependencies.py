"""What a route is given, and when its unit of work ends."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from starlette.types import Message

from chat_persistence import (
    ChatStore,
    ConversationRead,
    MessageCreate,
    Page,
    UnitOfWork,
    UnitOfWorkClosed,
    UserChats,
)
from chat_persistence.integrations.fastapi import ClosingStreamingResponse, chat_store, unit_of_work
from tests.frameworks.asgi import client, get, host_app
from tests.frameworks.identity import Chats, Work, current_user_id

GREETING = MessageCreate(role="assistant", content="Hi")


@pytest.fixture
def app(store: ChatStore) -> FastAPI:
    return host_app(store)


async def titles(chat: UserChats) -> list[str | None]:
    return [conversation.title for conversation in (await chat.conversations.page()).items]


async def test_a_route_is_given_its_users_chats(app: FastAPI, chat: UserChats, user_id: str) -> None:
    mine = await chat.conversations.create(title="mine")

    @app.get("/")
    async def conversations(chats: Chats) -> Page[ConversationRead]:
        return await chats.conversations.page()

    async with client(app, user_id) as me, client(app, f"not {user_id}") as somebody:
        assert [item["id"] for item in (await me.get("/")).json()["items"]] == [str(mine.id)]
        assert (await somebody.get("/")).json() == {"items": [], "next_cursor": None}


async def test_a_route_is_given_the_store(app: FastAPI, store: ChatStore) -> None:
    given = []

    @app.get("/")
    async def remember(store: Annotated[ChatStore, Depends(chat_store)]) -> None:
        given.append(store)

    async with client(app, "ada") as ada:
        await ada.get("/")
    assert given == [store]


async def test_what_a_client_is_told_of_is_committed(app: FastAPI, chat: UserChats, user_id: str) -> None:
    there: dict[str, list[str | None]] = {}

    @app.get("/")
    async def create(work: Work) -> ConversationRead:
        return await work.conversations.create(title="told")

    async def look(message: Message) -> None:
        there[message["type"]] = await titles(chat)

    await get(app, "/", user_id, look)
    assert there == {"http.response.start": ["told"], "http.response.body": ["told"]}


async def test_a_unit_of_work_has_ended_before_the_first_byte_of_a_stream(
    app: FastAPI, chat: UserChats, user_id: str
) -> None:
    seen: list[object] = []

    async def stream(work: UnitOfWork, id: UUID) -> AsyncIterator[str]:
        seen.append(await titles(chat))
        with pytest.raises(UnitOfWorkClosed) as refused:
            await work.messages.append(id, GREETING)
        seen.append(refused.type)
        yield "a byte"

    @app.get("/")
    async def create_and_stream(work: Work) -> ClosingStreamingResponse:
        conversation = await work.conversations.create(title="told")
        return ClosingStreamingResponse(stream(work, conversation.id))

    async with client(app, user_id) as me:
        assert (await me.get("/")).text == "a byte"
    assert seen == [["told"], UnitOfWorkClosed]


async def test_a_commit_that_fails_is_an_error_and_never_a_200(app: FastAPI, chat: UserChats, user_id: str) -> None:
    @app.get("/")
    async def fail_at_the_commit(work: Work) -> str:
        await work.conversations.create()
        # The host's own constraint, which PostgreSQL checks at the commit.
        await work.session.execute(text("CREATE TEMP TABLE a (id int PRIMARY KEY) ON COMMIT DROP"))
        deferred = "id int REFERENCES a DEFERRABLE INITIALLY DEFERRED"
        await work.session.execute(text(f"CREATE TEMP TABLE b ({deferred}) ON COMMIT DROP"))
        await work.session.execute(text("INSERT INTO b VALUES (1)"))
        return "stored"

    async with client(app, user_id) as me:
        answer = await me.get("/")
    assert (answer.status_code, await titles(chat)) == (500, [])


async def test_a_unit_that_swallowed_a_failure_is_an_error(app: FastAPI, chat: UserChats, user_id: str) -> None:
    @app.get("/")
    async def swallow(work: Work) -> str:
        await work.conversations.create()
        with pytest.raises(Exception, match="division by zero"):
            await work.session.execute(text("SELECT 1 / 0"))
        return "stored"

    async with client(app, user_id) as me:
        answer = await me.get("/")
    assert (answer.status_code, await titles(chat)) == (500, [])


async def test_a_commit_whose_connection_is_lost_is_answered_with_our_error(
    app: FastAPI, chat: UserChats, connection: "asyncpg.Connection", user_id: str
) -> None:
    @app.get("/")
    async def lose_the_connection(work: Work) -> str:
        await work.conversations.create()
        backend = await work.session.scalar(text("SELECT pg_backend_pid()"))
        await connection.execute("SELECT pg_terminate_backend($1, 1000)", backend)
        return "stored"

    async with client(app, user_id) as me:
        answer = await me.get("/")
    assert (answer.status_code, answer.json()["code"]) == (500, "OutcomeUnknown")
    assert await titles(chat) == []


async def test_a_route_that_raises_rolls_back(app: FastAPI, chat: UserChats, user_id: str) -> None:
    @app.get("/")
    async def refuse(work: Work) -> None:
        await work.conversations.create()
        raise HTTPException(418)

    async with client(app, user_id) as me:
        assert (await me.get("/")).status_code == 418
    assert await titles(chat) == []


async def test_an_answer_that_cannot_be_given_is_not_stored(app: FastAPI, chat: UserChats, user_id: str) -> None:
    @app.get("/", response_model=int)
    async def answer_wrongly(work: Work) -> str:
        await work.conversations.create()
        return "not an integer"

    async with client(app, user_id) as me:
        assert (await me.get("/")).status_code == 500
    assert await titles(chat) == []


async def test_all_who_ask_in_one_request_share_one_unit(app: FastAPI, user_id: str) -> None:
    async def conversation(work: Work) -> ConversationRead:
        return await work.conversations.create()

    made = Depends(conversation, scope="function")

    @app.get("/")
    async def append(work: Work, conversation: Annotated[ConversationRead, made]) -> int:
        (stored,) = await work.messages.append(conversation.id, GREETING)
        return stored.position

    async with client(app, user_id) as me:
        assert (await me.get("/")).json() == 1


def test_the_scope_cannot_be_lost_by_one_depends_too_many(app: FastAPI) -> None:
    async def work_late(work: Annotated[UnitOfWork, Depends(unit_of_work(current_user_id))]) -> None: ...

    with pytest.raises(TypeError):
        app.get("/")(work_late)


async def test_a_session_of_the_hosts_is_joined(
    app: FastAPI, host_engine: AsyncEngine, chat: UserChats, user_id: str
) -> None:
    async def host_session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(host_engine) as session, session.begin():
            yield session

    joined = Depends(host_session, scope="function")

    @app.get("/")
    async def create(
        session: Annotated[AsyncSession, joined], store: Annotated[ChatStore, Depends(chat_store)], fails: bool
    ) -> ConversationRead:
        async with store.unit_of_work(user_id, session=session) as work:
            conversation = await work.conversations.create(title="ours")
        if fails:
            raise HTTPException(418)
        return conversation

    async with client(app, user_id) as me:
        assert [(await me.get(f"/?fails={fails}")).status_code for fails in (True, False)] == [418, 200]
    assert await titles(chat) == ["ours"]


async def test_messages_are_bodies(app: FastAPI, chat: UserChats, user_id: str) -> None:
    conversation = await chat.conversations.create()

    @app.post("/")
    async def append(chats: Chats, message: MessageCreate) -> int:
        return len(await chats.messages.append(conversation.id, message))

    async with client(app, user_id) as me:
        for _ in range(2):
            message = {
                "id": str(UUID(int=1)),
                "role": "user",
                "content": "Hi",
                "tool_calls": [{"id": "c", "result": None}],
            }
            assert (await me.post("/", json=message)).json() == 1
        refused = await me.post("/", json={"id": str(uuid4()), "role": "user"})
    assert refused.status_code == 422
    assert [message.content for message in await chat.messages.last(conversation.id)] == ["Hi"]
