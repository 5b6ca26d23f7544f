"""Who asks, in the applications of these tests: whom a header names."""

from typing import Annotated

from fastapi import Header

from chat_persistence import UnitOfWork, UserChats
from chat_persistence.integrations.fastapi import unit_of_work, user_chats
from tests.frameworks.asgi import USER


async def current_user_id(user: Annotated[str, Header(alias=USER)]) -> str:
    return user


Chats = Annotated[UserChats, user_chats(current_user_id)]
Work = Annotated[UnitOfWork, unit_of_work(current_user_id)]
