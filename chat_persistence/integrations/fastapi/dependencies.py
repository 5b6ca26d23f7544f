"""What a route may ask for: the store, its user's chats, a unit of work."""

from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Annotated

from fastapi import Depends
from fastapi.params import Depends as Dependency
from starlette.requests import HTTPConnection

from chat_persistence.errors import ConfigurationError
from chat_persistence.store import ChatStore
from chat_persistence.unit_of_work import UnitOfWork
from chat_persistence.user_chats import UserChats


async def chat_store(connection: HTTPConnection) -> ChatStore:
    """Return the application's store: `store: Annotated[ChatStore, Depends(chat_store)]`."""
    store = getattr(connection.app.state, "chat_store", None)
    if not isinstance(store, ChatStore):
        raise ConfigurationError("this application has no chat store: run chat_lifespan() in its lifespan")
    return store


# The same dependency for the same `user_id`, or FastAPI would not know that two places of one request mean one unit.
@cache
def user_chats(user_id: Callable[..., object]) -> Dependency:
    """Return what to annotate with: `chat: Annotated[UserChats, user_chats(current_user_id)]`.

    `user_id` is any dependency that returns the user's id, a `str`.
    """

    async def chats_of_user(
        user: Annotated[str, Depends(user_id)], store: Annotated[ChatStore, Depends(chat_store)]
    ) -> UserChats:
        return store.for_user(user)

    return Dependency(chats_of_user)


@cache
def unit_of_work(user_id: Callable[..., object]) -> Dependency:
    """Return what to annotate with: `work: Annotated[UnitOfWork, unit_of_work(current_user_id)]`.

    It commits when the route has returned and before the response is sent, so that a failed commit is answered by an
    error; it rolls back when the route raises, an `HTTPException` included. All who ask for it in one request share
    one. What is streamed is made after it has ended.
    """

    async def work_of_user(
        user: Annotated[str, Depends(user_id)], store: Annotated[ChatStore, Depends(chat_store)]
    ) -> AsyncIterator[UnitOfWork]:
        async with store.unit_of_work(user) as work:
            yield work

    # FastAPI's default scope commits when the response, a 200, has been sent.
    return Dependency(work_of_user, scope="function")
