"""Loading in bulk: `store.load` beside a COPY that is written by hand, the same rows from the same values."""

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg

from benchmarks import dialogue
from benchmarks.figures import Figure, Rounds, figures_of
from benchmarks.loops import Sample
from benchmarks.names import OURS
from chat_persistence import ChatStore, ConversationLoad, MessageLoad, MessageRole, ToolCall
from chat_persistence.connection import read_url

BY_HAND = "COPY by hand"
ROUNDS = 5
MESSAGES_EACH = 100

COLUMNS = ["conversation_id", "user_id", "position", "id", "role", "content", "tool_calls", "created_at"]

INSERT = "INSERT INTO conversations (user_id, id, last_position, message_count) VALUES ($1, $2, $3, $3)"

Load = Callable[[list[ConversationLoad]], Awaitable[None]]


async def compare(url: str, conversations: int) -> dict[str, Figure]:
    """Load new conversations both ways in turn; an operation is a message."""
    rounds: Rounds = {OURS: {}, BY_HAND: {}}
    connection = await asyncpg.connect(read_url(url).dsn)
    try:
        async with ChatStore(url) as store:
            ways: dict[str, Load] = {OURS: partial(_load, store), BY_HAND: partial(_copy, connection)}
            for number in range(-1, ROUNDS):
                for name, load in ways.items():
                    rounds[name][number] = await _time(load, conversations)
    finally:
        await connection.close()
    for samples in rounds.values():
        del samples[-1]  # which warmed up
    return figures_of(rounds, [BY_HAND])


async def _time(load: Load, count: int) -> Sample:
    conversations = list(_conversations(count))
    cpu, wall = time.process_time(), time.perf_counter()
    await load(conversations)
    return Sample(count * MESSAGES_EACH, time.perf_counter() - wall, time.process_time() - cpu)


def _conversations(count: int) -> Iterator[ConversationLoad]:
    user = f"loaded-{uuid4()}"
    for _ in range(count):
        messages = [message for number in range(MESSAGES_EACH // 2) for message in _messages(number)]
        yield ConversationLoad(user_id=user, id=uuid4(), messages=messages)


def _messages(number: int) -> tuple[MessageLoad, MessageLoad]:
    turn = dialogue.turn(number)
    call = turn.call
    calls = [ToolCall(id=call.id, name=call.name, arguments=call.arguments)] if call else []
    return (
        MessageLoad(role=MessageRole.USER, content=turn.question),
        MessageLoad(role=MessageRole.ASSISTANT, content=turn.answer, tool_calls=calls),
    )


async def _load(store: ChatStore, conversations: list[ConversationLoad]) -> None:
    await store.load(conversations)


async def _copy(connection: "asyncpg.Connection", conversations: list[ConversationLoad]) -> None:
    heads = [(each.user_id, each.id, len(each.messages)) for each in conversations]
    async with connection.transaction():
        await connection.executemany(INSERT, heads)
        await connection.copy_records_to_table("messages", records=_records(conversations), columns=COLUMNS)


def _records(conversations: list[ConversationLoad]) -> Iterator[tuple[Any, ...]]:
    now = datetime.now(UTC)
    for conversation in conversations:
        for position, message in enumerate(conversation.messages, 1):
            calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in message.tool_calls]
            text = json.dumps(calls) if calls else None
            place = (conversation.id, conversation.user_id, position, message.id)
            yield (*place, message.role.value, message.content, text, now)
