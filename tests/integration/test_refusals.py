"""What cannot be is refused with its field and the reason as facts, and what is absent is named by its id."""

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from chat_persistence import (
    ChatStore,
    ConversationChanged,
    ConversationNotFound,
    ConversationRead,
    ConversationUpdate,
    InvalidInput,
    MessageConflict,
    MessageCreate,
    MessageNotFound,
    MetadataSwap,
    UserChats,
)

Call = Callable[[UserChats, UUID], Awaitable[Any]]

ID = uuid4()
HI = MessageCreate(id=ID, role="user", content="Hi")
NO_ID: Any = str(ID)
NO_NUMBER: Any = 1.5
NO_MESSAGE: Any = {"role": "user", "content": "Hi"}

AN_ID = "must be a uuid.UUID"
A_PLACE = "must be an integer from 0 to 2147483647"
A_BUDGET = "must be an integer from 1 to 2147483647"
A_LIMIT = "must be an integer from 1 to 1000"
A_CURSOR = "not a cursor of this list"

REFUSALS: list[tuple[str, str, Call]] = [
    ("id", AN_ID, lambda chat, id: chat.conversations.create(id=NO_ID)),
    ("id", AN_ID, lambda chat, id: chat.conversations.get(NO_ID)),
    ("id", AN_ID, lambda chat, id: chat.conversations.get_with_messages(NO_ID)),
    ("id", AN_ID, lambda chat, id: chat.conversations.rename(NO_ID, "Rome")),
    ("id", AN_ID, lambda chat, id: chat.conversations.delete(NO_ID)),
    ("id", AN_ID, lambda chat, id: chat.messages.get(NO_ID)),
    ("title", "must have 1 to 200 characters", lambda chat, id: chat.conversations.rename(id, "x" * 201)),
    ("limit", A_LIMIT, lambda chat, id: chat.conversations.page(0)),
    ("limit", A_LIMIT, lambda chat, id: chat.conversations.get_with_messages(id, 1001)),
    ("after", A_CURSOR, lambda chat, id: chat.conversations.page(after="x")),
    ("id", AN_ID, lambda chat, id: chat.conversations.fork(NO_ID, 0)),
    ("fork_id", AN_ID, lambda chat, id: chat.conversations.fork(id, 0, fork_id=NO_ID)),
    ("at_position", A_PLACE, lambda chat, id: chat.conversations.fork(id, -1)),
    ("at_position", A_PLACE, lambda chat, id: chat.conversations.fork(id, NO_NUMBER)),
    ("title", "must have 1 to 200 characters", lambda chat, id: chat.conversations.fork(id, 0, title="")),
    ("id", AN_ID, lambda chat, id: chat.conversations.usage(NO_ID)),
    ("conversation_id", AN_ID, lambda chat, id: chat.messages.append(NO_ID, HI)),
    ("messages", "must be 1 to 1000", lambda chat, id: chat.messages.append(id)),
    ("messages", "must be 1 to 1000", lambda chat, id: chat.messages.append(id, *[HI] * 1001)),
    ("messages", "the same id twice", lambda chat, id: chat.messages.append(id, HI, HI)),
    ("messages[1]", "must be a MessageCreate", lambda chat, id: chat.messages.append(id, HI, NO_MESSAGE)),
    ("expected_position", A_PLACE, lambda chat, id: chat.messages.append(id, HI, expected_position=-1)),
    ("conversation_id", AN_ID, lambda chat, id: chat.messages.last(NO_ID)),
    ("limit", A_LIMIT, lambda chat, id: chat.messages.last(id, True)),
    ("limit", A_LIMIT, lambda chat, id: chat.messages.last(id, NO_NUMBER)),
    ("max_tokens", A_BUDGET, lambda chat, id: chat.messages.last(id, max_tokens=0)),
    ("max_tokens", A_BUDGET, lambda chat, id: chat.messages.last(id, max_tokens=2**31)),
    ("max_tokens", A_BUDGET, lambda chat, id: chat.messages.last(id, max_tokens=NO_NUMBER)),
    ("limit", A_LIMIT, lambda chat, id: chat.messages.last(id, 1001, max_tokens=1)),
    ("turns", A_LIMIT, lambda chat, id: chat.messages.last_turns(id, 0)),
    ("conversation_id", AN_ID, lambda chat, id: chat.messages.page(NO_ID)),
    ("after", "cannot be given together with before", lambda chat, id: chat.messages.page(id, before=2, after=1)),
    ("before", A_PLACE, lambda chat, id: chat.messages.page(id, before=-1)),
    ("after", A_PLACE, lambda chat, id: chat.messages.page(id, after=2**31)),
    ("before", A_CURSOR, lambda chat, id: chat.messages.page(id, before="x")),
    ("id", AN_ID, lambda chat, id: chat.messages.through(NO_ID)),
    ("limit", A_LIMIT, lambda chat, id: chat.messages.through(ID, 1001)),
    ("to_position", A_PLACE, lambda chat, id: chat.messages.rewind(id, -1)),
    ("conversation_id", AN_ID, lambda chat, id: chat.messages.rewind(NO_ID, 0)),
    ("expected_position", A_PLACE, lambda chat, id: chat.messages.rewind(id, 0, expected_position=-1)),
    ("id", AN_ID, lambda chat, id: chat.conversations.swap_metadata(NO_ID, MetadataSwap("run", {}, None))),
    (
        "expected_position",
        A_PLACE,
        lambda chat, id: chat.conversations.swap_metadata(id, MetadataSwap("run", {}, None), expected_position=-1),
    ),
]


@pytest.mark.parametrize(("field", "reason", "call"), REFUSALS)
async def test_what_cannot_be_is_refused_by_its_name(
    chat: UserChats, conversation: ConversationRead, field: str, reason: str, call: Call
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await call(chat, conversation.id)

    assert (caught.value.field, caught.value.reason) == (field, reason)
    assert await chat.messages.last(conversation.id) == []


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        ("", "must have 1 to 255 bytes in UTF-8"),
        ("é" * 128, "must have 1 to 255 bytes in UTF-8"),
        ("a\x00", "must hold neither U+0000 nor surrogates"),
        ("a\ud800", "must hold neither U+0000 nor surrogates"),
        (7, "must be a str"),
    ],
)
async def test_a_user_id_that_cannot_be_is_refused(store: ChatStore, user_id: Any, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        store.for_user(user_id)

    assert (caught.value.field, caught.value.reason) == ("user_id", reason)


@pytest.mark.parametrize("user_id", ["a", "é" * 127])
async def test_a_user_id_of_1_to_255_bytes_is_taken(store: ChatStore, user_id: str) -> None:
    assert await store.for_user(user_id).erase() == 0


@pytest.mark.parametrize(
    ("field", "reason", "given"),
    [
        ("content", "longer than 10 characters", {"content": "x" * 11}),
        ("native", "longer than 20 characters as JSON", {"native": "x" * 21}),
        ("tool_calls", "longer than 20 characters as JSON", {"tool_calls": [{"id": "x" * 21}]}),
        ("metadata", "longer than 20 characters as JSON", {"content": "x", "metadata": {"a": "x" * 21}}),
    ],
)
async def test_what_is_too_long_is_refused_by_its_place(
    migrated_database: str, user_id: str, field: str, reason: str, given: dict[str, Any]
) -> None:
    async with ChatStore(migrated_database, max_content_chars=10, max_json_chars=20) as store:
        with pytest.raises(InvalidInput) as caught:
            await store.for_user(user_id).messages.append(ID, HI, MessageCreate(role="user", **given))

    assert (caught.value.field, caught.value.reason) == (f"messages[1].{field}", reason)


async def test_metadata_of_a_conversation_is_any_mapping(chat: UserChats) -> None:
    conversation = await chat.conversations.create(metadata=MappingProxyType({"channel": "web"}))
    with pytest.raises(InvalidInput) as caught:
        await chat.conversations.create(metadata=cast(Any, ["web"]))

    assert conversation.metadata == {"channel": "web"}
    assert (caught.value.field, caught.value.reason) == ("metadata", "must be a mapping")


async def test_metadata_that_cannot_be_is_refused_by_its_path(chat: UserChats) -> None:
    with pytest.raises(InvalidInput) as caught:
        await chat.conversations.create(metadata={"a": [float("nan")]})

    assert caught.value.field == "metadata.<key 1>[0]"


ABSENT: list[Call] = [
    lambda chat, id: chat.conversations.get(id),
    lambda chat, id: chat.conversations.get_with_messages(id),
    lambda chat, id: chat.conversations.update(id, ConversationUpdate()),
    lambda chat, id: chat.conversations.rename(id, "Rome"),
    lambda chat, id: chat.conversations.archive(id),
    lambda chat, id: chat.conversations.delete(id),
    lambda chat, id: chat.conversations.fork(id, 0),
    lambda chat, id: chat.conversations.usage(id),
    lambda chat, id: chat.messages.append(id, HI),
    lambda chat, id: chat.messages.append(id, HI, expected_position=1),
    lambda chat, id: chat.messages.rewind(id, 0),
    lambda chat, id: chat.messages.rewind(id, 0, expected_position=0),
    lambda chat, id: chat.conversations.swap_metadata(id, MetadataSwap("run", {}, None)),
    lambda chat, id: chat.messages.append(id, HI, swap=MetadataSwap("run", {}, None)),
]


@pytest.mark.parametrize("call", ABSENT)
async def test_a_conversation_that_is_not_there_is_named(chat: UserChats, call: Call) -> None:
    with pytest.raises(ConversationNotFound) as caught:
        await call(chat, ID)

    assert caught.value.conversation_id == ID


async def test_a_message_that_is_not_there_is_named(chat: UserChats) -> None:
    with pytest.raises(MessageNotFound) as caught:
        await chat.messages.get(ID)

    assert caught.value.message_id == ID


async def test_a_conflict_and_a_changed_log_are_named(chat: UserChats, conversation: ConversationRead) -> None:
    await chat.messages.append(conversation.id, HI)
    with pytest.raises(MessageConflict) as conflict:
        await chat.messages.append(conversation.id, MessageCreate(id=ID, role="user", content="Bye"))
    with pytest.raises(ConversationChanged) as changed:
        await chat.messages.append(conversation.id, MessageCreate(role="user", content="x"), expected_position=0)

    assert (conflict.value.conversation_id, conflict.value.message_ids) == (conversation.id, (ID,))
    found = changed.value.conversation_id, changed.value.expected_position, changed.value.last_position
    assert found == (conversation.id, 0, 1)
