"""The service: users, their tasks, and their chats about them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat_persistence import (
    ChatStore,
    ConversationRead,
    MessageCreate,
    MessageRead,
    MessageRole,
    Page,
    UserChats,
)
from chat_persistence.integrations.fastapi import (
    ClosingStreamingResponse,
    chat_lifespan,
    chat_store,
    install_error_handlers,
    user_chats,
)
from chat_persistence.settings import ChatSettings
from tasks import access_log
from tasks.chat import answer, ask
from tasks.models import Task, User


class NewChat(BaseModel):
    title: str
    task: str


class Question(BaseModel):
    content: str


class UserTitles(BaseModel):
    id: str
    titles: list[str | None]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    access_log.start()
    settings = ChatSettings()
    engine = app.state.engine = settings.make_host_engine()
    try:
        async with chat_lifespan(lambda: settings.make_store(engine=engine))(app):
            yield
    finally:
        await engine.dispose()


async def host_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(request.app.state.engine) as session, session.begin():
        yield session


async def current_user_id(x_user: Annotated[str, Header()]) -> str:
    return x_user


app = FastAPI(title="tasks", lifespan=lifespan)
install_error_handlers(app)


@app.exception_handler(IntegrityError)
async def conflict(request: Request, error: IntegrityError) -> JSONResponse:
    return JSONResponse({"detail": "this is there already"}, 409)


CurrentUser = Annotated[str, Depends(current_user_id)]
Session = Annotated[AsyncSession, Depends(host_session, scope="function")]
Store = Annotated[ChatStore, Depends(chat_store)]
Chats = Annotated[UserChats, user_chats(current_user_id)]


@app.put("/users/{user_id}", status_code=201)
async def create_user(session: Session, user_id: str) -> User:
    return await session.merge(User(id=user_id))


@app.get("/users")
async def list_users(session: Session) -> list[UserTitles]:
    users = await session.exec(select(User).options(selectinload(User.conversations)).order_by(User.id))
    return [UserTitles(id=user.id, titles=[chat.title for chat in user.conversations]) for user in users]


@app.delete("/users/{user_id}", status_code=204)
async def delete_user(session: Session, user_id: str) -> None:
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(404)
    await session.delete(user)


@app.get("/tasks")
async def list_tasks(session: Session, user_id: CurrentUser) -> list[Task]:
    return list(await session.exec(select(Task).where(Task.user_id == user_id).order_by(Task.id)))


@app.post("/chats", status_code=201)
async def create_chat(session: Session, store: Store, user_id: CurrentUser, new: NewChat) -> ConversationRead:
    async with store.unit_of_work(user_id, session=session) as work:
        chat = await work.conversations.create(title=new.title)
    session.add(Task(user_id=user_id, title=new.task))
    return chat


@app.get("/chats")
async def list_chats(chats: Chats, after: str | None = None, limit: int = 20) -> Page[ConversationRead]:
    return await chats.conversations.page(limit, after=after)


@app.get("/chats/{chat_id}/messages")
async def history(chats: Chats, chat_id: UUID, before: str | None = None, limit: int = 50) -> Page[MessageRead]:
    await chats.conversations.get(chat_id)  # a page of a chat that is not there is empty, and no error
    return await chats.messages.page(chat_id, limit, before=before)


@app.post("/chats/{chat_id}/messages")
async def post_message(chats: Chats, chat_id: UUID, question: Question) -> ClosingStreamingResponse:
    asked = MessageCreate(role=MessageRole.USER, content=question.content)
    messages = await ask(chats, chat_id, asked)
    return ClosingStreamingResponse(answer(chats, chat_id, messages), media_type="text/plain")


@app.delete("/chats/{chat_id}", status_code=204)
async def delete_chat(chats: Chats, chat_id: UUID) -> None:
    await chats.conversations.delete(chat_id)
