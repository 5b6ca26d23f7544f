"""The command `follow`: the messages of a conversation as they are stored, one a line."""

import asyncio
import sys
from contextlib import aclosing
from uuid import UUID

from chat_persistence.cli.database import open_database
from chat_persistence.cli.output import print_json, results
from chat_persistence.rows import write_tool_call
from chat_persistence.store import ChatStore
from chat_persistence.values import MessageRead


def follow(
    url: str, schema: str | None, user_id: str, conversation_id: UUID, after: int | None, *, as_json: bool
) -> None:
    """Print each message until interrupted."""
    with open_database(url) as database:
        asyncio.run(_follow(database.url, schema, user_id, conversation_id, after, as_json=as_json))


async def _follow(
    url: str, schema: str | None, user_id: str, conversation_id: UUID, after: int | None, *, as_json: bool
) -> None:
    async with ChatStore(url, schema=schema) as store:
        following = store.for_user(user_id).messages.follow(conversation_id, after=after)
        async with aclosing(following) as messages:
            async for message in messages:
                _print(message, as_json=as_json)


def _print(message: MessageRead, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(message))
    else:
        results().print(f"{message.position} {message.role} {message.content}")
    sys.stdout.flush()  # who reads a pipe waits for nothing else


def _as_json(message: MessageRead) -> dict[str, object]:
    return {
        "position": message.position,
        "id": str(message.id),
        "role": message.role,
        "content": message.content,
        "tool_calls": [write_tool_call(call) for call in message.tool_calls],
        "native": message.native,
        "metadata": message.metadata,
        "token_count": message.token_count,
        "created_at": message.created_at.isoformat(),
    }
