"""Rows that raw SQL has filled with what this library cannot have written: each costs its own column, and no more."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from chat_persistence import ConversationRead, MessageCreate, MessageRead, ToolCall, UserChats
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything
from chat_persistence.selftest.scale import Scale

LEVELS = 10_000
NEIGHBOURS = 4
"""Messages before the poisoned one, and after it."""

DEEP = ("[" * LEVELS + "]" * LEVELS, '{"a":' * LEVELS + "1" + "}" * LEVELS)
LONG = "1" * 5_000
POISONS: Mapping[str, tuple[str, ...]] = {
    "tool_calls": (
        *DEEP,
        *("{}", '{"id": "c"}', '""', '"id"', "5", "true", "null", "[1]", "[null]", "[[]]", '["id"]', f"[{LONG}]"),
        *('[{"name": "x"}]', '[{"id": ""}]', '[{"id": 5}]', '[{"id": "c", "is_error": "perhaps"}]'),
        *('[{"id": "c", "arguments": {}}]', '[{"id": "\ufdd00000"}]', '[{"id": "c", "name": "\ufdd0d800"}]'),
    ),
    "native": (*DEEP, LONG, f'{{"a": [{LONG}]}}'),
    "metadata": (*DEEP, "[]", '"text"', "5", "null", "true", f'{{"a": {LONG}}}'),
}
POISONING = {
    "tool_calls": "UPDATE messages SET tool_calls = $1::jsonb WHERE user_id = $2 AND id = $3",
    "native": "UPDATE messages SET native = $1::json WHERE user_id = $2 AND id = $3",
    "metadata": "UPDATE messages SET metadata = $1::jsonb WHERE user_id = $2 AND id = $3",
}
POISONING_A_CONVERSATION = "UPDATE conversations SET metadata = $1::jsonb WHERE user_id = $2 AND id = $3"
CONTENTS = ("\ufdd0", "\ufdd0zzzz", "\ufdd0D800", "\ufdd00041", "x\ufdd0d80")
"""What only looks escaped is read as it is."""


@dataclass
class Tally:
    """How much of what was to be read was."""

    neighbours: int = 0
    all_neighbours: int = 0
    named: int = 0
    all_poisoned: int = 0


async def run(arena: Arena, _: Scale) -> AsyncIterator[Figure]:
    """Poison one message among others, and read the history in every way; then a conversation among others."""
    messages = Tally()
    conversations = Tally()
    async with arena.store() as store, arena.connection() as connection:
        for column, poisons in POISONS.items():
            for poison in poisons:
                await _poison_message(messages, store.for_user(arena.new_user()), connection, column, poison)
        for poison in POISONS["metadata"]:
            await _poison_conversation(conversations, store.for_user(arena.new_user()), connection, poison)
        kept = [await _is_kept(store.for_user(arena.new_user()), connection, content) for content in CONTENTS]
    yield everything("other messages read beside a poisoned one", messages.neighbours, messages.all_neighbours)
    yield everything("poisoned messages read but for the named column", messages.named, messages.all_poisoned)
    yield everything("other conversations read", conversations.neighbours, conversations.all_neighbours)
    yield everything("poisoned conversations read but for metadata", conversations.named, conversations.all_poisoned)
    yield everything("contents that only look escaped read as they are", sum(kept), len(CONTENTS))


async def _poison_message(
    tally: Tally, chat: UserChats, connection: "asyncpg.Connection", column: str, poison: str
) -> None:
    conversation = await chat.conversations.create()
    stored = await chat.messages.append(conversation.id, *map(_message, range(2 * NEIGHBOURS + 1)))
    poisoned = stored[NEIGHBOURS]
    await connection.execute(POISONING[column], poison, poisoned.user_id, poisoned.id)
    readings = await _readings(chat, conversation.id)
    for messages in readings:
        tally.all_neighbours += 2 * NEIGHBOURS
        tally.neighbours += _count_equal(stored, messages)
        tally.all_poisoned += 1
        tally.named += any(_is_named(poisoned, message, column) for message in messages)


def _message(number: int) -> MessageCreate:
    calls = [ToolCall(id="c", name="look", arguments="{}", result=[number])] if number % 2 else []
    return MessageCreate(
        role="user", content=str(number), tool_calls=calls, native={"n": number}, metadata={"n": number}
    )


async def _readings(chat: UserChats, conversation_id: UUID) -> list[list[MessageRead]]:
    newest = await chat.messages.last(conversation_id)
    before = await chat.messages.page(conversation_id, before=newest[-1].position + 1)
    after = await chat.messages.page(conversation_id, after=0)
    return [
        newest,
        await chat.messages.last(conversation_id, whole_turns=True),
        await chat.messages.last_turns(conversation_id, 2 * NEIGHBOURS + 1),
        list((await chat.messages.page(conversation_id)).items),
        list(before.items),
        list(after.items),
        [message async for message in chat.messages.iterate(conversation_id)],
        [await chat.messages.get(message.id) for message in newest],
        (await chat.conversations.get_with_messages(conversation_id)).messages,
    ]


def _count_equal(stored: Iterable[Any], read: Iterable[Any]) -> int:
    by_id = {each.id: each for each in read}
    return sum(by_id.get(each.id) == each for each in stored)


def _is_named(stored: MessageRead, read: MessageRead, column: str) -> bool:
    others = ("id", "position", "role", "content", "token_count", "created_at", "tool_calls", "native", "metadata")
    return (
        read.unreadable == (column,)
        and not getattr(read, column)
        and all(getattr(read, name) == getattr(stored, name) for name in others if name != column)
    )


async def _poison_conversation(tally: Tally, chat: UserChats, connection: "asyncpg.Connection", poison: str) -> None:
    stored = [await chat.conversations.create(title=str(number), metadata={"n": number}) for number in range(3)]
    poisoned = stored[1]
    await connection.execute(POISONING_A_CONVERSATION, poison, poisoned.user_id, poisoned.id)
    listed = (await chat.conversations.page()).items
    tally.all_neighbours += 2
    tally.neighbours += _count_equal(stored, listed)
    found = [
        *[conversation for conversation in listed if conversation.id == poisoned.id],
        await chat.conversations.get(poisoned.id),
        (await chat.conversations.get_with_messages(poisoned.id)).conversation,
        await chat.conversations.archive(poisoned.id),
        await chat.conversations.rename(poisoned.id, poisoned.title),
    ]
    tally.all_poisoned += 5
    tally.named += sum(map(_is_read_but_for_metadata, found))


def _is_read_but_for_metadata(read: ConversationRead) -> bool:
    return (read.title, read.metadata, read.unreadable) == ("1", {}, ("metadata",))


async def _is_kept(chat: UserChats, connection: "asyncpg.Connection", content: str) -> bool:
    conversation = await chat.conversations.create()
    (stored,) = await chat.messages.append(conversation.id, _message(0))
    query = "UPDATE messages SET content = $1 WHERE user_id = $2 AND id = $3"
    await connection.execute(query, content, stored.user_id, stored.id)
    return (await chat.messages.get(stored.id)).content == content


CHECK = Check("poisoned rows", run)
