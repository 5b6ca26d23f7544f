"""What one can do with one's messages."""

import copy
from dataclasses import FrozenInstanceError
from uuid import uuid4

import asyncpg
import pytest

from chat_persistence import (
    ChatStore,
    ConversationChanged,
    ConversationNotFound,
    ConversationRead,
    InvalidInput,
    MessageCreate,
    MessageNotFound,
    MessageRead,
    MessageRole,
    ToolCall,
    UserChats,
)


def user(content: str) -> MessageCreate:
    return MessageCreate(role=MessageRole.USER, content=content)


def assistant(content: str) -> MessageCreate:
    return MessageCreate(role=MessageRole.ASSISTANT, content=content)


async def test_what_was_appended_is_read_back_oldest_first(chat: UserChats, conversation: ConversationRead) -> None:
    first = await chat.messages.append(conversation.id, user("Hi"), assistant("Hello"))
    second = await chat.messages.append(conversation.id, user("Bye"))

    history = await chat.messages.last(conversation.id)

    assert history == first + second
    assert [message.position for message in history] == [1, 2, 3]
    assert [message.content for message in history] == ["Hi", "Hello", "Bye"]


async def test_up_to_a_message_its_conversation_is_read_by_its_id_alone(
    chat: UserChats, conversation: ConversationRead
) -> None:
    stored = await chat.messages.append(conversation.id, *[user(f"{number}") for number in range(5)])
    other = await chat.conversations.create()
    await chat.messages.append(other.id, user("elsewhere"))

    assert await chat.messages.through(stored[3].id) == stored[:4]
    assert await chat.messages.through(stored[3].id, 2) == stored[2:4]
    assert await chat.messages.through(stored[0].id, 1) == stored[:1]


async def test_a_rewind_at_another_position_deletes_nothing(chat: UserChats, conversation: ConversationRead) -> None:
    stored = await chat.messages.append(conversation.id, user("first"), user("second"))
    before = await chat.conversations.get(conversation.id)
    for expected_position in (0, 1, 3):
        with pytest.raises(ConversationChanged) as caught:
            await chat.messages.rewind(conversation.id, 1, expected_position=expected_position)
        told = caught.value.expected_position, caught.value.last_position, caught.value.in_metadata
        assert told == (expected_position, 2, False)
    assert await chat.messages.last(conversation.id) == stored
    assert await chat.conversations.get(conversation.id) == before

    rewound = await chat.messages.rewind(conversation.id, 1, expected_position=2)

    assert (rewound.last_position, rewound.message_count) == (3, 1)


async def test_what_was_rewound_is_not_read_up_to(chat: UserChats, conversation: ConversationRead) -> None:
    stored = await chat.messages.append(conversation.id, user("first"), user("second"))
    await chat.messages.rewind(conversation.id, 1)
    (third,) = await chat.messages.append(conversation.id, user("third"))

    with pytest.raises(MessageNotFound) as caught:
        await chat.messages.through(stored[1].id)

    assert caught.value.message_id == stored[1].id
    assert await chat.messages.through(third.id) == [stored[0], third]


async def test_everything_that_was_said_of_a_message_comes_back(
    chat: UserChats, conversation: ConversationRead
) -> None:
    sent = MessageCreate(
        role="assistant",
        content="Booked.",
        tool_calls=[
            ToolCall(id="c1", name="book", arguments='{"to": "Rome"'),
            ToolCall(id="c0", result=None),
            ToolCall(id="c2", result={"n": [1, 2.5, None]}, is_error=True),
        ],
        native={"type": "message", "b": 1e22, "a": 10**40},
        metadata={"model": "m-1"},
        token_count=7,
    )

    await chat.messages.append(conversation.id, sent)

    (read,) = await chat.messages.last(conversation.id)
    assert (read.id, read.role, read.content) == (sent.id, sent.role, sent.content)
    assert (read.tool_calls, read.native) == (sent.tool_calls, sent.native)
    assert (read.metadata, read.token_count) == (sent.metadata, sent.token_count)
    assert [call.has_result for call in read.tool_calls] == [False, True, True]
    assert list(read.native) == ["type", "b", "a"]


async def test_what_was_read_is_a_record_that_nobody_can_change(
    chat: UserChats, conversation: ConversationRead
) -> None:
    await chat.messages.append(conversation.id, user("Hi"))

    (read,) = await chat.messages.last(conversation.id)

    assert type(read) is MessageRead
    assert hash(read) == hash(copy.deepcopy(read))
    with pytest.raises(FrozenInstanceError):
        setattr(read, "content", "x")  # noqa: B010


async def test_an_empty_list_of_tool_calls_is_sql_null(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    (message,) = await chat.messages.append(conversation.id, user("Hi"))

    row = await connection.fetchrow("SELECT * FROM messages WHERE id = $1", message.id)

    assert (row["tool_calls"], row["native"], row["metadata"]) == (None, None, None)
    assert message.tool_calls == []


async def test_the_counters_and_the_times_follow_the_append(chat: UserChats, conversation: ConversationRead) -> None:
    stored = await chat.messages.append(conversation.id, user("Hi"), assistant("Hello"))

    after = await chat.conversations.get(conversation.id)

    assert (after.last_position, after.message_count) == (2, 2)
    assert {message.created_at for message in stored} == {after.updated_at}
    assert after.updated_at > conversation.updated_at


async def test_the_title_is_cut_from_the_first_user_message_with_content(
    chat: UserChats, conversation: ConversationRead
) -> None:
    picture = MessageCreate(role="user", native={"image": "…"})
    await chat.messages.append(conversation.id, assistant("Welcome"), picture)
    assert (await chat.conversations.get(conversation.id)).title is None

    await chat.messages.append(conversation.id, user("  A train\n\tto\x00 Rome\ud800 " + "x" * 300))
    await chat.messages.append(conversation.id, user("Another"))

    title = (await chat.conversations.get(conversation.id)).title
    assert title == ("A train to Rome " + "x" * 300)[:200]


async def test_a_title_that_was_given_stays(chat: UserChats) -> None:
    conversation = await chat.conversations.create(title="Mine")

    await chat.messages.append(conversation.id, user("Hi"))

    assert (await chat.conversations.get(conversation.id)).title == "Mine"


async def test_appending_to_no_conversation_stores_nothing(chat: UserChats) -> None:
    message = user("Hi")

    with pytest.raises(ConversationNotFound):
        await chat.messages.append(uuid4(), message)

    with pytest.raises(MessageNotFound) as caught:
        await chat.messages.get(message.id)
    assert caught.value.message_id == message.id


async def test_a_missing_conversation_is_created_with_its_first_message(chat: UserChats) -> None:
    conversation_id = uuid4()

    await chat.messages.append(conversation_id, user("Hi"), create_conversation=True)
    await chat.messages.append(conversation_id, user("Again"), create_conversation=True)

    conversation = await chat.conversations.get(conversation_id)
    assert (conversation.title, conversation.message_count, conversation.last_position) == ("Hi", 2, 2)


@pytest.mark.parametrize("create", [False, True])
async def test_an_append_at_another_position_than_expected_stores_nothing(
    chat: UserChats, conversation: ConversationRead, create: bool
) -> None:
    await chat.messages.append(conversation.id, user("1"), create_conversation=create, expected_position=0)

    with pytest.raises(ConversationChanged) as caught:
        await chat.messages.append(conversation.id, user("2"), create_conversation=create, expected_position=0)

    assert (caught.value.expected_position, caught.value.last_position) == (0, 1)
    assert [message.content for message in await chat.messages.last(conversation.id)] == ["1"]


@pytest.mark.parametrize("create", [False, True])
async def test_an_expected_position_tells_a_missing_conversation_from_a_changed_one(
    chat: UserChats, create: bool
) -> None:
    with pytest.raises(ConversationNotFound):
        await chat.messages.append(uuid4(), user("Hi"), create_conversation=create, expected_position=3)

    assert (await chat.conversations.page()).items == []


async def test_the_last_messages_are_the_newest_oldest_first(chat: UserChats, conversation: ConversationRead) -> None:
    stored = await chat.messages.append(conversation.id, *[user(str(n)) for n in range(10)])

    assert await chat.messages.last(conversation.id, 3) == stored[-3:]
    assert await chat.messages.last(conversation.id, 1000) == stored
    assert await chat.messages.last(uuid4()) == []


async def test_pages_lead_from_the_newest_to_the_oldest_message(
    chat: UserChats, conversation: ConversationRead
) -> None:
    stored = await chat.messages.append(conversation.id, *[user(str(n)) for n in range(5)])

    newest = await chat.messages.page(conversation.id, 2)
    middle = await chat.messages.page(conversation.id, 2, before=newest.next_cursor)
    oldest = await chat.messages.page(conversation.id, 2, before=middle.next_cursor)

    assert [newest.items, middle.items, oldest.items] == [stored[3:], stored[1:3], stored[:1]]
    assert oldest.next_cursor is None


async def test_pages_lead_on_from_a_position(chat: UserChats, conversation: ConversationRead) -> None:
    stored = await chat.messages.append(conversation.id, *[user(str(n)) for n in range(5)])

    first = await chat.messages.page(conversation.id, 3, after=1)
    second = await chat.messages.page(conversation.id, 3, after=first.next_cursor)

    assert [first.items, second.items] == [stored[1:4], stored[4:]]
    assert second.next_cursor is None
    assert (await chat.messages.page(conversation.id, before=3)).items == stored[:2]


async def test_a_page_of_messages_refuses_what_is_no_place_in_it(
    chat: UserChats, conversation: ConversationRead
) -> None:
    await chat.messages.append(conversation.id, *[user(str(n)) for n in range(3)])
    older = (await chat.messages.page(conversation.id, 1)).next_cursor
    other = await chat.conversations.create()

    for before, after in ((1, 1), (None, older), ("x", None), (-1, None), (None, 2**31)):
        with pytest.raises(InvalidInput):
            await chat.messages.page(conversation.id, before=before, after=after)
    with pytest.raises(InvalidInput):
        await chat.messages.page(conversation.id, 0)
    with pytest.raises(InvalidInput):
        await chat.messages.page(other.id, before=older)


async def test_one_message_is_read_by_its_id(chat: UserChats, conversation: ConversationRead) -> None:
    (stored,) = await chat.messages.append(conversation.id, user("Hi"))

    assert await chat.messages.get(stored.id) == stored


async def test_iterating_visits_every_message_once_in_order(chat: UserChats, conversation: ConversationRead) -> None:
    for start in range(0, 1200, 400):
        await chat.messages.append(conversation.id, *[user(str(n)) for n in range(start, start + 400)])

    seen = [message.content async for message in chat.messages.iterate(conversation.id)]

    assert seen == [str(n) for n in range(1200)]


async def test_iterating_holds_no_connection_while_its_reader_works(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, pool_size=1, pool_timeout=2) as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, *[user(str(n)) for n in range(3)])

        async for message in chat.messages.iterate(conversation.id):
            assert await chat.messages.get(message.id) == message


async def test_a_rewind_deletes_what_came_after_and_takes_a_position(
    chat: UserChats, conversation: ConversationRead
) -> None:
    stored = await chat.messages.append(conversation.id, *[user(str(n)) for n in range(5)])

    rewound = await chat.messages.rewind(conversation.id, 2)
    (next_one,) = await chat.messages.append(conversation.id, user("again"))

    assert (rewound.message_count, rewound.last_position) == (2, 6)
    assert next_one.position == 7
    assert await chat.messages.last(conversation.id) == [*stored[:2], next_one]


async def test_a_rewind_that_finds_nothing_to_delete_changes_no_position(
    chat: UserChats, conversation: ConversationRead
) -> None:
    await chat.messages.append(conversation.id, user("Hi"))

    rewound = await chat.messages.rewind(conversation.id, 1)

    assert (rewound.message_count, rewound.last_position) == (1, 1)
    with pytest.raises(ConversationNotFound):
        await chat.messages.rewind(uuid4(), 0)


async def test_what_was_rewound_is_stored_again_by_a_late_repetition(
    chat: UserChats, conversation: ConversationRead
) -> None:
    message = user("Hi")
    await chat.messages.append(conversation.id, message)
    await chat.messages.rewind(conversation.id, 0)

    (again,) = await chat.messages.append(conversation.id, message)

    assert (again.id, again.position) == (message.id, 3)


async def test_content_beyond_the_stores_limit_is_refused(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, max_content_chars=10, max_json_chars=20) as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, user("\x00" * 10))

        with pytest.raises(InvalidInput, match=r"messages\[0\].content"):
            await chat.messages.append(conversation.id, user("x" * 11))
        with pytest.raises(InvalidInput, match=r"messages\[0\].native"):
            await chat.messages.append(conversation.id, MessageCreate(role="user", native=["x" * 20]))


async def test_a_batch_must_have_one_to_a_thousand_messages_with_ids_of_their_own(
    chat: UserChats, conversation: ConversationRead
) -> None:
    same = user("Hi")

    for batch in ([], [same, same], [user("x") for _ in range(1001)]):
        with pytest.raises(InvalidInput):
            await chat.messages.append(conversation.id, *batch)

    assert await chat.messages.last(conversation.id) == []
