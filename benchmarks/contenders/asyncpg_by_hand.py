"""asyncpg's own pool with the same SQL written by hand, building the same records: what is to be beaten."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks import dialogue, filling
from benchmarks.contender import Contender
from benchmarks.loops import LAST, LISTED
from benchmarks.names import LISTER, USER, conversation_id
from chat_persistence import ConversationRead, MessageRead
from chat_persistence.compilation import Compilation, Statement
from chat_persistence.connection import read_url
from chat_persistence.identifiers import uuid7
from chat_persistence.rows import conversation_from, message_from
from chat_persistence.statements import appending, conversations, messages

POOL_SIZE = 10


class AsyncpgByHand(Contender):
    """With the pool's reset, which is its default, or without: then it is the floor."""

    lists = True

    def __init__(self, *, resets: bool) -> None:
        self._reset = None if resets else _leave_as_it_is
        self._compilation = our_compilation()

    async def open(self, url: str) -> None:
        """Connect to tables that are there already."""
        self._url = url
        self._pool = await asyncpg.create_pool(
            read_url(url).dsn, min_size=POOL_SIZE, max_size=POOL_SIZE, reset=self._reset
        )

    async def close(self) -> None:
        await self._pool.close()

    async def begin(self, conversation: str) -> None:
        await self._fetch(
            conversations.create, owner=USER, chat=conversation_id(conversation), heading=None, notes="{}"
        )

    async def fill(self, conversation: str, messages: int) -> None:
        await filling.fill(self._url, conversation, messages)

    async def append(self, conversation: str, number: int) -> None:
        """Store a turn by the same statement, unchecked."""
        arguments = turn_arguments(conversation_id(conversation), number)
        for row in await self._fetch(appending.append, **arguments):
            message_from(row)

    async def last(self, conversation: str) -> list[MessageRead]:
        """Return the same records."""
        rows = await self._fetch(messages.last, owner=USER, chat=conversation_id(conversation), how_many=LAST)
        return [message_from(row) for row in reversed(rows)]

    def contents(self, messages: Sequence[Any]) -> list[str]:
        return [message.content for message in messages]

    async def list_conversations(self) -> list[ConversationRead]:
        """Return the same records, one more having been asked for."""
        rows = await self._fetch(conversations.page_active, owner=LISTER, how_many=LISTED + 1)
        return [conversation_from(row) for row in rows[:LISTED]]

    async def _fetch(self, statement: Statement, **arguments: Any) -> Sequence[Any]:
        compiled = self._compilation[statement]
        rows: Sequence[Any] = await self._pool.fetch(compiled.sql, *compiled.arguments(arguments))
        return rows


def our_compilation() -> Compilation:
    """Return the library's own statements as SQL for asyncpg."""
    return Compilation(create_async_engine("postgresql+asyncpg://").dialect, None)


def turn_arguments(conversation: UUID, number: int) -> dict[str, Any]:
    """Return the bound values of an append of one turn."""
    turn = dialogue.turn(number)
    return {
        "owner": USER,
        "chat": conversation,
        "how_many": 2,
        "heading": turn.question[:200],
        "expected": None,
        "id_array": [uuid7().hex, uuid7().hex],
        "role_array": ["user", "assistant"],
        "content_array": [turn.question, turn.answer],
        "tool_calls_array": [None, json.dumps(turn.calls()) if turn.call else None],
        "native_array": [None, None],
        "notes_array": [None, None],
        "token_count_array": [None, None],
    }


async def _leave_as_it_is(_: Any) -> None:
    """Spare the round trip of asyncpg's own reset."""
