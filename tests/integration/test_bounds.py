"""How much a list returns and reads: its defaults, its end, and one row more at most."""

import logging
import re
from typing import Any

import pytest

from chat_persistence import ChatStore, ConversationLoad, ConversationRead, MessageCreate, UserChats
from chat_persistence.erasing import ERASED_AT_ONCE
from chat_persistence.identifiers import uuid7
from chat_persistence.messages import ITERATION_PAGE


def said(count: int) -> list[MessageCreate]:
    return [MessageCreate(role="user", content=str(number)) for number in range(count)]


def rows_read(caplog: pytest.LogCaptureFixture) -> list[int]:
    """Return how many rows each statement returned, as the library's own log tells."""
    return [int(number) for number in re.findall(r"(\d+) rows", caplog.text)]


@pytest.fixture
async def many(chat: UserChats, conversation: ConversationRead) -> ConversationRead:
    """A conversation of 60 messages."""
    await chat.messages.append(conversation.id, *said(60))
    return conversation


async def test_without_a_limit_fifty_messages_come_back(chat: UserChats, many: ConversationRead) -> None:
    assert len(await chat.messages.last(many.id)) == 50
    assert len((await chat.messages.page(many.id)).items) == 50
    assert len(await chat.messages.through((await chat.messages.last(many.id, 1))[0].id)) == 50
    assert len((await chat.conversations.get_with_messages(many.id)).messages) == 50


async def test_without_a_limit_twenty_conversations_come_back(store: ChatStore, chat: UserChats, user_id: str) -> None:
    await store.load([ConversationLoad(user_id=user_id, id=uuid7()) for _ in range(21)])

    assert len((await chat.conversations.page()).items) == 20


@pytest.mark.parametrize(("limit", "leads_on"), [(59, True), (60, False), (61, False)])
async def test_a_page_that_ends_with_the_list_leads_nowhere(
    chat: UserChats, many: ConversationRead, limit: int, leads_on: bool
) -> None:
    places: list[dict[str, Any]] = [{}, {"after": 0}, {"before": 61}]
    for place in places:
        page = await chat.messages.page(many.id, limit, **place)
        assert (page.next_cursor is not None) is leads_on


@pytest.mark.parametrize(("limit", "leads_on"), [(2, True), (3, False), (4, False)])
async def test_a_page_of_conversations_that_ends_with_the_list_leads_nowhere(
    store: ChatStore, chat: UserChats, user_id: str, limit: int, leads_on: bool
) -> None:
    await store.load([ConversationLoad(user_id=user_id, id=uuid7()) for _ in range(3)])

    assert ((await chat.conversations.page(limit)).next_cursor is not None) is leads_on


async def test_a_page_reads_one_row_more_than_it_returns(
    chat: UserChats, many: ConversationRead, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await chat.conversations.create()
    with caplog.at_level(logging.DEBUG, "chat_persistence"):
        await chat.messages.page(many.id, 5)
        await chat.messages.page(many.id, 5, after=1)
        await chat.messages.page(many.id, 5, before=50)
        await chat.conversations.page(2)

    assert rows_read(caplog) == [6, 6, 6, 3]


async def test_iterating_reads_so_many_at_a_time(
    chat: UserChats, conversation: ConversationRead, caplog: pytest.LogCaptureFixture
) -> None:
    await chat.messages.append(conversation.id, *said(ITERATION_PAGE))
    await chat.messages.append(conversation.id, *said(10))
    with caplog.at_level(logging.DEBUG, "chat_persistence"):
        read = [message async for message in chat.messages.iterate(conversation.id)]

    assert [message.position for message in read] == list(range(1, ITERATION_PAGE + 11))
    assert rows_read(caplog) == [ITERATION_PAGE, 10]


async def test_an_erasure_takes_so_many_at_a_time(
    store: ChatStore, chat: UserChats, user_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    await store.load(ConversationLoad(user_id=user_id, id=uuid7()) for _ in range(2 * ERASED_AT_ONCE))
    with caplog.at_level(logging.DEBUG, "chat_persistence"):
        assert await chat.erase() == 2 * ERASED_AT_ONCE

    assert rows_read(caplog) == [0, 1, 1, 0]  # the key, twice so many, and nothing


async def test_the_users_of_a_store_are_read_so_many_at_a_time(
    store: ChatStore, user_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    await store.load([ConversationLoad(user_id=f"{user_id}-{number}", id=uuid7()) for number in range(2)])
    with caplog.at_level(logging.DEBUG, "chat_persistence"):
        await store.users(limit=1)

    assert rows_read(caplog) == [1]


async def test_a_cursor_needs_no_escape_in_a_url(chat: UserChats, many: ConversationRead) -> None:
    for limit in range(1, 20):
        cursor = (await chat.messages.page(many.id, limit)).next_cursor

        assert cursor is not None
        assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
