"""The access log: one record for each operation, with ids, rows, times and outcomes, and nothing of what was said."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chat_persistence import (
    ChatStore,
    ConversationNotFound,
    ConversationRead,
    InvalidInput,
    MessageCreate,
    PoolTimeout,
    StoreUnavailable,
    UnitOfWorkFailed,
    UserChats,
)
from chat_persistence.messages import ITERATION_PAGE
from chat_persistence.selftest.log_watch import watched
from chat_persistence.selftest.methods import ALONE, METHODS, new_target
from tests.servers import make_read_only

ACCESS = "chat_persistence.access"
FIELDS = ("operation", "user_id", "conversation_id", "rows", "outcome", "sqlstate", "retries")


def user(content: str) -> MessageCreate:
    return MessageCreate(role="user", content=content)


def told(caplog: pytest.LogCaptureFixture, *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(record, field) for field in fields) for record in caplog.records if record.name == ACCESS]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, ACCESS):
        yield caplog


async def test_a_record_says_who_did_what_where_and_how_it_ended(
    chat: UserChats, conversation: ConversationRead, user_id: str, log: pytest.LogCaptureFixture
) -> None:
    await chat.messages.append(conversation.id, user("Hi"), user("there"))

    assert told(log, *FIELDS)[-1] == ("messages.append", user_id, str(conversation.id), 2, "ok", None, 0)
    assert 0 < log.records[-1].__dict__["duration_ms"] < 60_000
    assert log.messages[-1].startswith("messages.append: ok, ")


@pytest.mark.parametrize("name", ALONE)
async def test_each_method_is_told_of_by_its_name_once(
    store: ChatStore, user_id: str, name: str, log: pytest.LogCaptureFixture
) -> None:
    target = await new_target(store, user_id, "text")
    log.clear()

    await ALONE[name](store, target)

    assert told(log, "operation", "user_id", "outcome") == [(name.split()[0], user_id, "ok")]


@pytest.mark.parametrize("name", ["users", "load", "prune", "check", "migrate"])
async def test_what_is_done_across_users_is_told_of_without_one(
    store: ChatStore, user_id: str, name: str, log: pytest.LogCaptureFixture
) -> None:
    target = await new_target(store, user_id, "text")
    log.clear()

    await METHODS[name](store, target)

    assert told(log, "operation", "user_id", "outcome") == [(name, None, "ok")]


async def test_without_an_id_given_the_answer_tells_the_conversation(
    chat: UserChats, log: pytest.LogCaptureFixture
) -> None:
    created = await chat.conversations.create()
    (message,) = await chat.messages.append(created.id, user("Hi"))
    await chat.messages.get(message.id)
    await chat.messages.through(message.id)

    assert told(log, "operation", "conversation_id") == [
        ("conversations.create", str(created.id)),
        ("messages.append", str(created.id)),
        ("messages.get", str(created.id)),
        ("messages.through", str(created.id)),
    ]


async def test_rows_are_those_of_the_answer(
    chat: UserChats, conversation: ConversationRead, log: pytest.LogCaptureFixture
) -> None:
    await chat.messages.append(conversation.id, user("a"), user("b"), user("c"))
    await chat.messages.page(conversation.id, 2)
    await chat.conversations.get_with_messages(conversation.id)
    await chat.messages.last(uuid4())
    await chat.conversations.delete(conversation.id)
    await chat.erase()

    assert told(log, "rows")[-6:] == [(3,), (2,), (4,), (0,), (None,), (0,)]


async def test_iterating_is_told_of_page_by_page(
    chat: UserChats, conversation: ConversationRead, log: pytest.LogCaptureFixture
) -> None:
    await chat.messages.append(conversation.id, *[user(str(number)) for number in range(ITERATION_PAGE + 1)])
    log.clear()

    assert len([message async for message in chat.messages.iterate(conversation.id)]) == ITERATION_PAGE + 1

    pages = [("messages.iterate", str(conversation.id), rows) for rows in (ITERATION_PAGE, 1)]
    assert told(log, "operation", "conversation_id", "rows") == pages


async def test_a_refusal_is_told_by_its_type(chat: UserChats, log: pytest.LogCaptureFixture) -> None:
    absent = uuid4()
    with pytest.raises(ConversationNotFound):
        await chat.conversations.rename(absent, "Rome")
    with pytest.raises(InvalidInput):
        await chat.messages.append(absent)

    assert told(log, "operation", "conversation_id", "rows", "outcome") == [
        ("conversations.rename", str(absent), None, "ConversationNotFound"),
        ("messages.append", str(absent), None, "InvalidInput"),
    ]


async def test_what_is_no_id_is_not_written_down(chat: UserChats, log: pytest.LogCaptureFixture) -> None:
    mistaken: Any = "my secret"
    with pytest.raises(InvalidInput):
        await chat.messages.last(mistaken)

    assert told(log, "conversation_id", "outcome") == [(None, "InvalidInput")]


async def test_a_failure_is_told_with_its_sqlstate_and_how_often_it_was_tried_again(
    empty_database: str, log: pytest.LogCaptureFixture
) -> None:
    async with ChatStore(empty_database) as store:
        await store.migrate()
        await make_read_only(empty_database)
        with pytest.raises(StoreUnavailable):
            await store.for_user("ada").conversations.create()

    assert told(log, "outcome", "sqlstate", "retries")[-1] == ("StoreUnavailable", "25006", 2)


async def test_a_unit_of_work_is_told_of_after_what_was_done_in_it(
    store: ChatStore, user_id: str, log: pytest.LogCaptureFixture
) -> None:
    async with store.unit_of_work(user_id) as work:
        conversation = await work.conversations.create()
        await work.messages.append(conversation.id, user("Hi"))

    assert told(log, "operation", "user_id", "outcome") == [
        ("conversations.create", user_id, "ok"),
        ("messages.append", user_id, "ok"),
        ("unit_of_work", user_id, "ok"),
    ]


async def test_a_unit_of_work_that_was_rolled_back_says_why(
    store: ChatStore, user_id: str, log: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.unit_of_work(user_id):
            raise ZeroDivisionError("my secret")

    assert told(log, "operation", "outcome") == [("unit_of_work", "ZeroDivisionError")]


async def test_a_unit_of_work_that_could_not_begin_says_why(
    migrated_database: str, user_id: str, log: pytest.LogCaptureFixture
) -> None:
    async with ChatStore(migrated_database, pool_size=1, pool_timeout=0.1) as store, store.unit_of_work(user_id):
        with pytest.raises(PoolTimeout):
            await store.unit_of_work(user_id).__aenter__()

    assert told(log, "operation", "outcome") == [("unit_of_work", "PoolTimeout"), ("unit_of_work", "ok")]


async def test_a_unit_of_work_whose_commit_stored_nothing_says_so(
    store: ChatStore, user_id: str, log: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnitOfWorkFailed):
        async with store.unit_of_work(user_id) as work:
            with contextlib.suppress(DBAPIError):
                await work.session.execute(text("SELECT 1 / 0"))

    assert told(log, "operation", "outcome") == [("unit_of_work", "UnitOfWorkFailed")]


async def test_a_cancelled_caller_is_told_of_as_such(
    store: ChatStore, chat: UserChats, conversation: ConversationRead, user_id: str, log: pytest.LogCaptureFixture
) -> None:
    async with store.unit_of_work(user_id) as work:
        await work.messages.append(conversation.id, user("first"))
        waiting = asyncio.create_task(chat.messages.append(conversation.id, user("second")))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert ("messages.append", "cancelled") in told(log, "operation", "outcome")


async def test_it_may_be_switched_on_and_off_while_a_store_is_open(
    chat: UserChats, caplog: pytest.LogCaptureFixture
) -> None:
    await chat.conversations.page()
    with caplog.at_level(logging.INFO, ACCESS):
        await chat.conversations.page()
    await chat.conversations.page()

    assert len(told(caplog, "operation")) == 1


async def test_a_host_whose_records_have_such_fields_already_is_not_disturbed(
    chat: UserChats, user_id: str, log: pytest.LogCaptureFixture
) -> None:
    before = logging.getLogRecordFactory()

    def with_user(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        record.__dict__.update(user_id="the host's", rows=7)
        return record

    logging.setLogRecordFactory(with_user)
    try:
        await chat.conversations.page()
    finally:
        logging.setLogRecordFactory(before)

    assert told(log, "user_id", "rows") == [(user_id, 0)]


async def test_a_filter_that_fails_fails_no_operation(
    chat: UserChats, log: pytest.LogCaptureFixture, conversation: ConversationRead
) -> None:
    def fail(_: logging.LogRecord) -> bool:
        raise ValueError("my secret")

    logging.getLogger(ACCESS).addFilter(fail)
    try:
        await chat.messages.append(conversation.id, user("Hi"))
    finally:
        logging.getLogger(ACCESS).removeFilter(fail)

    assert len(await chat.messages.last(conversation.id)) == 1
    assert "telemetry failed: ValueError" in log.messages
    assert "my secret" not in log.text


async def test_nothing_of_what_was_said_is_in_any_field(store: ChatStore, user_id: str) -> None:
    secret = f"secret-{UUID(int=7)}"
    with watched(secret) as watch:
        for name, call in METHODS.items():
            await call(store, await new_target(store, f"{user_id}-{name}", secret))

    assert watch.records > len(METHODS)
    assert watch.found == []
