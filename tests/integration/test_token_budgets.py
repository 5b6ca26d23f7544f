"""Reads within a budget of tokens: the newest messages that fit, never a tool's result without its call."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, ConversationRead, MessageCreate, MessageRead, MessageRole, ToolCall, UserChats

CALL = ToolCall(id="c1", name="look", arguments="{}")
RESULT = ToolCall(id="c1", result="found")

WORDS: dict[str, dict[str, Any]] = {
    "u": {"role": "user", "content": "question"},
    "a": {"role": "assistant", "content": "answer"},
    "c": {"role": "assistant", "tool_calls": [CALL]},
    "r": {"role": "assistant", "tool_calls": [RESULT]},
    "b": {"role": "assistant", "tool_calls": [RESULT, CALL]},  # both, of one call
    "R": {"role": "user", "tool_calls": [RESULT]},  # as Anthropic's results come
}


async def say(chat: UserChats, conversation: ConversationRead, words: str) -> list[MessageRead]:
    """Append one message of ten tokens a letter."""
    batch = [MessageCreate(**WORDS[word], token_count=10) for word in words]
    return await chat.messages.append(conversation.id, *batch)


@pytest.mark.parametrize(
    ("words", "max_tokens", "kept"),
    [
        ("uaua", 9, 0),  # not even the newest
        ("uaua", 10, 1),
        ("uaua", 39, 3),
        ("uaua", 40, 4),
        ("ucra", 20, 1),  # the result would be without its call
        ("ucra", 30, 3),
        ("ucRa", 20, 1),
        ("ucr", 10, 0),
        ("ucra", 40, 4),
        ("ubra", 20, 1),
        ("uba", 20, 2),
        ("ucraucra", 60, 5),  # its call is the one before it, and not the next of that id
        ("uraua", 50, 3),  # a result whose call was never stored hides what is older, and nothing newer
        ("urau", 10, 1),
    ],
)
async def test_the_newest_messages_that_fit_hold_the_calls_of_their_results(
    chat: UserChats, conversation: ConversationRead, words: str, max_tokens: int, kept: int
) -> None:
    stored = await say(chat, conversation, words)

    assert await chat.messages.last(conversation.id, max_tokens=max_tokens) == stored[len(stored) - kept :]


@pytest.mark.parametrize(
    ("words", "max_tokens", "kept"),
    [
        ("uaua", 10, 0),  # the newest turn does not fit
        ("uaua", 39, 2),
        ("uaua", 40, 4),
        ("uacura", 50, 0),
        ("uacura", 60, 6),
        ("ucrauR", 50, 0),
    ],
)
async def test_whole_turns_that_fit_begin_at_a_user_message(
    chat: UserChats, conversation: ConversationRead, words: str, max_tokens: int, kept: int
) -> None:
    stored = await say(chat, conversation, words)

    read = await chat.messages.last(conversation.id, whole_turns=True, max_tokens=max_tokens)

    assert read == stored[len(stored) - kept :]


async def test_a_budget_has_a_limit_of_a_thousand_messages_or_the_one_given(
    chat: UserChats, conversation: ConversationRead
) -> None:
    stored = [*await say(chat, conversation, "a" * 1000), *await say(chat, conversation, "a" * 5)]

    assert await chat.messages.last(conversation.id, max_tokens=1_000_000) == stored[5:]
    assert await chat.messages.last(conversation.id, 7, max_tokens=1_000_000) == stored[-7:]
    assert await chat.messages.last(conversation.id, 7, max_tokens=500) == stored[-7:]
    assert await chat.messages.last(conversation.id, 7, max_tokens=30) == stored[-3:]


@pytest.mark.parametrize(("max_tokens", "kept"), [(989, 98), (990, 99), (1000, 100), (1009, 100), (1010, 101)])
async def test_a_budget_may_end_anywhere_about_the_hundred_that_are_looked_at_first(
    chat: UserChats, conversation: ConversationRead, max_tokens: int, kept: int
) -> None:
    stored = await say(chat, conversation, "a" * 120)

    assert await chat.messages.last(conversation.id, max_tokens=max_tokens) == stored[-kept:]


async def test_what_has_no_tokens_fits_a_budget_that_is_full(chat: UserChats, conversation: ConversationRead) -> None:
    free = await chat.messages.append(conversation.id, MessageCreate(role="user", content="free", token_count=0))
    stored = free + await say(chat, conversation, "a" * 100)

    assert await chat.messages.last(conversation.id, max_tokens=1000) == stored


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        ({"content": "abc"}, 1),
        ({"content": "abcd"}, 2),
        ({"content": "火車"}, 2),
        ({"content": "abc", "native": [1]}, 1),
        ({"content": "abc", "native": "a" * 16}, 6),
        ({"tool_calls": [{"id": "c1", "name": "xy"}]}, 10),  # as jsonb writes it, 28 bytes
        ({"content": "abc", "token_count": 100}, 100),
        ({"content": "abc", "token_count": 0}, 1),
    ],
)
async def test_without_a_count_a_token_is_three_bytes_of_what_is_sent(
    chat: UserChats, conversation: ConversationRead, given: dict[str, Any], tokens: int
) -> None:
    stored = await chat.messages.append(conversation.id, MessageCreate(role="assistant", **given))

    assert await chat.messages.last(conversation.id, max_tokens=tokens) == stored
    assert tokens == 1 or await chat.messages.last(conversation.id, max_tokens=tokens - 1) == []


async def test_a_row_poisoned_by_hand_is_counted_too(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    await say(chat, conversation, "uc")
    await connection.execute(
        "UPDATE messages SET tool_calls = '7', token_count = NULL WHERE conversation_id = $1 AND position = 2",
        conversation.id,
    )

    read = await chat.messages.last(conversation.id, max_tokens=11)

    assert [message.unreadable for message in read] == [(), ("tool_calls",)]


async def test_a_unit_of_work_reads_within_a_budget_what_it_has_appended(store: ChatStore, user_id: str) -> None:
    async with store.unit_of_work(user_id) as work:
        conversation = await work.conversations.create()
        stored = await work.messages.append(conversation.id, MessageCreate(role="user", content="Hi", token_count=1))

        assert await work.messages.last(conversation.id, max_tokens=1) == stored


calls = st.lists(
    st.sampled_from(
        [
            {"id": "c1", "name": "look", "arguments": "{}"},
            {"id": "c2", "name": "look", "arguments": "{}"},
            {"id": "c1", "result": "é"},
            {"id": "c2", "result": None},
        ]
    ),
    max_size=2,
)
said = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "user", "assistant"]),
        "content": st.text("aé火", min_size=1, max_size=12),
        "tool_calls": st.just([]) | st.just([]) | calls,
        "native": st.none() | st.just("火" * 20),
        "token_count": st.none() | st.integers(0, 30),
    }
)


def tokens_of(message: dict[str, Any]) -> int:
    if message["token_count"] is not None:
        return int(message["token_count"])
    calls = message["tool_calls"] and json.dumps(message["tool_calls"], ensure_ascii=False)
    native = json.dumps(message["native"], ensure_ascii=False) if message["native"] else ""
    longer = max(len(message["content"].encode()) + len((calls or "").encode()), len(native.encode()))
    return -(-longer // 3)


def holds_its_calls(messages: Sequence[MessageRead]) -> bool:
    return all(
        any(call.id == result.id for earlier in messages[: place + 1] for call in earlier.tool_calls if call.is_call)
        for place, message in enumerate(messages)
        for result in message.tool_calls
        if result.has_result
    )


def begins_a_turn(messages: Sequence[MessageRead]) -> bool:
    return messages[0].role is MessageRole.USER and not messages[0].tool_calls


@given(
    log=st.lists(said, max_size=14),
    limit=st.none() | st.integers(1, 14),
    max_tokens=st.integers(1, 120),
    whole_turns=st.booleans(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_read_is_the_longest_end_that_fits(
    store: ChatStore, log: list[dict[str, Any]], limit: int | None, max_tokens: int, whole_turns: bool
) -> None:
    chat, conversation_id = store.for_user(f"budget-{uuid4()}"), uuid4()
    batch = [MessageCreate(**message) for message in log]
    stored = await chat.messages.append(conversation_id, *batch, create_conversation=True) if batch else []

    read = await chat.messages.last(conversation_id, limit, whole_turns=whole_turns, max_tokens=max_tokens)

    ends = [stored[start:] for start in range(len(stored)) if limit is None or len(stored) - start <= limit]
    fitting = [end for end in ends if sum(map(tokens_of, log[len(log) - len(end) :])) <= max_tokens]
    allowed = [end for end in fitting if holds_its_calls(end) and (not whole_turns or begins_a_turn(end))]
    assert read == max(allowed, key=len, default=[])
