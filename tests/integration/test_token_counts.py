"""A counter given to the store fills the counts that are not given, and what was used is told."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import (
    ChatStore,
    ConfigurationError,
    ConversationLoad,
    ConversationRead,
    InvalidInput,
    MessageCreate,
    Usage,
    UserChats,
)
from chat_persistence import user_chats as module
from chat_persistence.identifiers import uuid7


def words(message: MessageCreate) -> int:
    return len(message.content.split())


def said(content: str, token_count: int | None = None) -> MessageCreate:
    return MessageCreate(role="user", content=content, token_count=token_count)


@pytest.fixture
async def counting(migrated_database: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(migrated_database, count_tokens=words) as store:
        yield store


async def test_what_is_appended_without_a_count_is_counted(counting: ChatStore, user_id: str) -> None:
    chat = counting.for_user(user_id)
    stored = await chat.messages.append(uuid4(), said("a b c"), said("a", 9), said("a", 0), create_conversation=True)

    assert [message.token_count for message in stored] == [3, 9, 0]


async def test_what_is_appended_in_a_unit_of_work_is_counted(counting: ChatStore, user_id: str) -> None:
    async with counting.unit_of_work(user_id) as work:
        (stored,) = await work.messages.append(uuid4(), said("a b c"), create_conversation=True)

    assert stored.token_count == 3


async def test_what_is_loaded_without_a_count_is_counted(counting: ChatStore, user_id: str) -> None:
    id = uuid7()
    await counting.load([ConversationLoad(user_id=user_id, id=id, messages=[said("a b"), said("a", 9)])])

    read = await counting.for_user(user_id).messages.last(id)

    assert [message.token_count for message in read] == [2, 9]


async def test_a_message_is_counted_once_an_append_and_a_repetition_is_the_same(
    migrated_database: str, user_id: str
) -> None:
    counted: list[str] = []

    def count(message: MessageCreate) -> int:
        counted.append(message.content)
        return len(counted)

    batch, id = [said("a"), said("b"), said("c", 5)], uuid4()
    async with ChatStore(migrated_database, count_tokens=count) as store:
        chat = store.for_user(user_id)
        first = await chat.messages.append(id, *batch, create_conversation=True)
        again = await chat.messages.append(id, *batch)

    assert first == again
    assert counted == ["a", "b"] * 2


@pytest.mark.parametrize("nonsense", [-1, 2**31, 1.5, True, None, "7"])
async def test_a_counter_that_tells_no_count_is_named_before_anything_is_sent(
    migrated_database: str, user_id: str, nonsense: Any
) -> None:
    id = uuid7()
    async with ChatStore(migrated_database, count_tokens=lambda _: nonsense) as store:
        chat = store.for_user(user_id)
        with pytest.raises(InvalidInput) as appended:
            await chat.messages.append(id, said("a", 1), said("b"), create_conversation=True)
        with pytest.raises(InvalidInput) as loaded:
            await store.load([ConversationLoad(user_id=user_id, id=id, messages=[said("b")])])

        assert appended.value.field == "messages[1].token_count"
        assert loaded.value.field == "conversations[0].messages[0].token_count"
        assert (await chat.conversations.page()).items == []


async def test_what_a_counter_raises_is_the_callers_own(migrated_database: str, user_id: str) -> None:
    def count(message: MessageCreate) -> int:
        raise KeyError(message.role)

    async with ChatStore(migrated_database, count_tokens=count) as store:
        with pytest.raises(KeyError):
            await store.for_user(user_id).messages.append(uuid4(), said("a"), create_conversation=True)
        with pytest.raises(KeyError):
            await store.load([ConversationLoad(user_id=user_id, id=uuid7(), messages=[said("b")])])


async def test_what_is_no_function_counts_nothing() -> None:
    counter: Any = 7
    with pytest.raises(ConfigurationError):
        ChatStore("postgresql://nowhere", count_tokens=counter)


async def test_a_conversation_tells_what_it_used(chat: UserChats, conversation: ConversationRead) -> None:
    assert await chat.conversations.usage(conversation.id) == Usage(0, 0, 0)

    await chat.messages.append(conversation.id, said("a", 2**31 - 1), said("b", 2**31 - 1), said("c"), said("d", 0))

    assert await chat.conversations.usage(conversation.id) == Usage(messages=4, tokens=2**32 - 2, uncounted=1)


async def test_a_user_without_conversations_has_used_nothing(chat: UserChats) -> None:
    assert await chat.usage() == Usage()


@pytest.mark.parametrize(("message_count", "rows"), [(1, [2, 2, 0]), (100_000, [1, 1, 1, 1, 0])])
async def test_what_is_counted_at_once_is_bounded_by_conversations_and_by_messages(
    chat: UserChats,
    user_id: str,
    connection: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    message_count: int,
    rows: list[int],
) -> None:
    for _ in range(4):
        await chat.messages.append(uuid7(), said("a", 1), create_conversation=True)
    # As if each of them were so long.
    await connection.execute("UPDATE conversations SET message_count = $1 WHERE user_id = $2", message_count, user_id)
    monkeypatch.setattr(module, "COUNTED_AT_ONCE", 2)

    with caplog.at_level("DEBUG", "chat_persistence"):
        assert await chat.usage() == Usage(4, 4, 0)

    assert [int(number) for number in re.findall(r"(\d+) rows", caplog.text)] == rows


@given(counts=st.lists(st.lists(st.none() | st.integers(0, 100), max_size=4), max_size=6), at_once=st.integers(1, 4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_a_user_used_is_the_sum_of_all_conversations(
    store: ChatStore, counts: list[list[int | None]], at_once: int
) -> None:
    user_id = f"usage-{uuid4()}"
    loads = [
        ConversationLoad(user_id=user_id, id=uuid4(), messages=[said("x", count) for count in each]) for each in counts
    ]
    await store.load(loads)
    chat = store.for_user(user_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "COUNTED_AT_ONCE", at_once)
        total = await chat.usage()

    every = [count for each in counts for count in each]
    known = [count for count in every if count is not None]
    assert total == Usage(len(every), sum(known), len(every) - len(known))
    assert sum([await chat.conversations.usage(each.id) for each in loads], Usage()) == total
