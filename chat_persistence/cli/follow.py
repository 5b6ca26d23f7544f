"""The command `follow`: the messages of a conversation as they are stored, one a line."""

import asyncio
from contextlib import aclosing
from uuid import UUID

from chat_persistence.cli.database import open_database
from chat_persistence.cli.encryption import read_encryption
from chat_persistence.cli.printed_messages import print_message
from chat_persistence.store import ChatStore


def follow(
    url: str, schema: str | None, user_id: str, conversation_id: UUID, after: int | None, *, as_json: bool
) -> None:
    """Print each message until interrupted."""
    with open_database(url) as database:
        asyncio.run(_follow(database.url, schema, user_id, conversation_id, after, as_json=as_json))


async def _follow(
    url: str, schema: str | None, user_id: str, conversation_id: UUID, after: int | None, *, as_json: bool
) -> None:
    async with ChatStore(url, schema=schema, encryption=read_encryption()) as store:
        following = store.for_user(user_id).messages.follow(conversation_id, after=after)
        async with aclosing(following) as messages:
            async for message in messages:
                print_message(message, as_json=as_json)
