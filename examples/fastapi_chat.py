"""A chat service in one file, whose replies are streamed.

.venv/bin/uvicorn examples.fastapi_chat:app
curl -sX POST localhost:8000/conversations -H 'Authorization: Bearer ada' --json '{"title": "Rome"}'
curl -NX POST localhost:8000/conversations/$ID/messages -H 'Authorization: Bearer ada' --json \
    '{"id": "0193b1a8-0000-7000-8000-000000000001", "content": "A train to Rome, please"}'
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, TypeAdapter

from chat_persistence import (
    ChatStore,
    ConversationCreate,
    ConversationRead,
    DraftClosed,
    MessageCreate,
    MessageNotFound,
    MessageRead,
    Page,
    UnitOfWork,
    UserChats,
)
from chat_persistence.integrations.fastapi import (
    ERROR_RESPONSES,
    ClosingStreamingResponse,
    chat_lifespan,
    install_error_handlers,
    unit_of_work,
    user_chats,
)


async def current_user_id(authorization: Annotated[str, Header()]) -> str:
    """Return who asks. In your application, read a token; here, anybody is whoever they say."""
    scheme, _, user_id = authorization.partition(" ")
    if scheme != "Bearer" or not user_id:
        raise HTTPException(401)
    return user_id


async def model(history: Sequence[MessageRead]) -> AsyncGenerator[str, None]:
    """Reply, word by word. In your application, ask a model; here, it says again what was said last."""
    for word in history[-1].content.split():
        await asyncio.sleep(0.01)
        yield f"{word} "


class Post(BaseModel):
    """What a client says. The id is the client's own, so a post whose answer was lost is simply sent again."""

    id: UUID
    content: str


Chats = Annotated[UserChats, user_chats(current_user_id)]
Work = Annotated[UnitOfWork, unit_of_work(current_user_id)]
Limit = Annotated[int, Query(ge=1, le=100)]

router = APIRouter(prefix="/conversations", responses=ERROR_RESPONSES)


@router.post("", status_code=201)
async def create(work: Work, new: ConversationCreate) -> ConversationRead:
    """Create a conversation and greet, both or neither."""
    conversation = await work.conversations.create(id=new.id, title=new.title, metadata=new.metadata)
    greeting = MessageCreate(id=uuid5(new.id, "greeting"), role="assistant", content="How may I help?")
    await work.messages.append(conversation.id, greeting)
    return await work.conversations.get(conversation.id)


@router.get("")
async def conversations(chats: Chats, limit: Limit = 20, after: str | None = None) -> Page[ConversationRead]:
    """List the user's conversations, newest activity first."""
    return await chats.conversations.page(limit, after=after)


@router.get("/{id}/messages")
async def messages(chats: Chats, id: UUID, limit: Limit = 50, before: str | None = None) -> Page[MessageRead]:
    """Read a conversation from its end, a page at a time."""
    await chats.conversations.get(id)
    return await chats.messages.page(id, limit, before=before)


@router.delete("/{id}", status_code=204)
async def delete(chats: Chats, id: UUID) -> None:
    """Delete a conversation."""
    await chats.conversations.delete(id)


@router.post("/{id}/messages", response_class=ClosingStreamingResponse)
async def post(chats: Chats, id: UUID, post: Post) -> ClosingStreamingResponse:
    """Store what the user said, then stream the reply as server-sent events; the last tells what was stored.

    What can be refused is refused here, before the response begins. No connection is held while it streams.
    """
    await chats.messages.append(id, MessageCreate(id=post.id, role="user", content=post.content))
    reply_id = uuid5(post.id, "reply")
    try:
        events = once(event("stored", await chats.messages.get(reply_id)))
    except MessageNotFound:
        events = reply(chats, id, reply_id, await chats.messages.last(id, 50, whole_turns=True))
    return ClosingStreamingResponse(events, headers={"Cache-Control": "no-cache"}, media_type="text/event-stream")


async def reply(
    chats: UserChats, conversation_id: UUID, id: UUID, history: Sequence[MessageRead]
) -> AsyncGenerator[str, None]:
    """Yield the reply as the model says it, and store it; also what there is of it when the client hangs up."""
    stored: MessageRead | None
    try:
        async with chats.drafts.begin(conversation_id, id=id) as draft, aclosing(model(history)) as pieces:
            async for piece in pieces:
                await draft.write(piece)
                yield event("piece", piece)
        stored = draft.message
    except DraftClosed:
        stored = await chats.messages.get(id)  # of one post that was sent twice at a time, the first reply stands
    yield event("stored", stored)


async def once(event: str) -> AsyncGenerator[str, None]:
    """Yield one event."""
    yield event


def event(name: str, data: str | MessageRead | None) -> str:
    """Return a server-sent event with JSON in it."""
    return f"event: {name}\ndata: {json.dumps(EVENT_DATA.dump_python(data, mode='json'))}\n\n"


EVENT_DATA: TypeAdapter[str | MessageRead | None] = TypeAdapter(str | MessageRead | None)


def open_store() -> ChatStore:
    """Return the store at `$DATABASE_URL`, else one on an embedded PostgreSQL."""
    return ChatStore(os.environ.get("DATABASE_URL", "embedded"))


def create_app(make_store: Callable[[], ChatStore] = open_store) -> FastAPI:
    """Return the application."""
    app = FastAPI(title="Chat", lifespan=chat_lifespan(make_store, migrate=True))
    install_error_handlers(app)
    app.include_router(router)
    return app


app = create_app()
