"""An append can be repeated: by the caller after a lost answer, by everybody at once, and for ever."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from chat_persistence import (
    ChatStore,
    ConversationChanged,
    ConversationNotFound,
    ConversationRead,
    MessageConflict,
    MessageCreate,
    MessageRead,
    ToolCall,
    UserChats,
)


def batch(*contents: str) -> list[MessageCreate]:
    return [MessageCreate(role="user", content=content) for content in contents]


async def test_appending_the_same_ids_again_returns_what_is_stored(
    chat: UserChats, conversation: ConversationRead
) -> None:
    sent = batch("Hi", "there")
    first = await chat.messages.append(conversation.id, *sent)
    await chat.messages.append(conversation.id, *batch("in between"))

    again = await chat.messages.append(conversation.id, *sent)
    expecting = await chat.messages.append(conversation.id, *sent, expected_position=0)

    assert again == expecting == first
    assert (await chat.conversations.get(conversation.id)).message_count == 3


@pytest.mark.parametrize(
    "other",
    [
        lambda id: MessageCreate(id=id, role="assistant", content="Hi"),
        lambda id: MessageCreate(id=id, role="user", content="Ho"),
        lambda id: MessageCreate(id=id, role="user", content="Hi", tool_calls=[ToolCall(id="c", name="x")]),
        lambda id: MessageCreate(id=id, role="user", content="Hi", native={"a": 1}),
    ],
)
async def test_the_same_id_with_other_content_is_a_conflict(
    chat: UserChats, conversation: ConversationRead, other: Callable[[UUID], MessageCreate]
) -> None:
    (sent,) = batch("Hi")
    stored = await chat.messages.append(conversation.id, sent)

    with pytest.raises(MessageConflict) as caught:
        await chat.messages.append(conversation.id, other(sent.id))

    assert caught.value.message_ids == (sent.id,)
    assert await chat.messages.last(conversation.id) == stored


async def test_some_ids_stored_and_some_new_is_a_conflict_that_stores_nothing(
    chat: UserChats, conversation: ConversationRead
) -> None:
    old, new = batch("old", "new")
    stored = await chat.messages.append(conversation.id, old)

    for create in (False, True):
        with pytest.raises(MessageConflict) as caught:
            await chat.messages.append(conversation.id, old, new, create_conversation=create)
        assert caught.value.message_ids == (new.id,)

    assert await chat.messages.last(conversation.id) == stored
    assert (await chat.conversations.get(conversation.id)).last_position == 1


async def test_an_id_that_is_stored_in_another_conversation_is_a_conflict(
    chat: UserChats, conversation: ConversationRead
) -> None:
    (sent,) = batch("Hi")
    await chat.messages.append(conversation.id, sent)
    elsewhere = uuid4()

    with pytest.raises(MessageConflict):
        await chat.messages.append(elsewhere, sent, create_conversation=True)

    with pytest.raises(ConversationNotFound):
        await chat.conversations.get(elsewhere)


async def test_two_users_may_use_the_same_ids(store: ChatStore, chat: UserChats, user_id: str) -> None:
    other = store.for_user(f"{user_id}-other")
    conversation_id = uuid4()
    (sent,) = batch("Hi")

    mine = await chat.messages.append(conversation_id, sent, create_conversation=True)
    theirs = await other.messages.append(conversation_id, sent, create_conversation=True)

    assert (mine[0].user_id, theirs[0].user_id) == (user_id, f"{user_id}-other")
    assert await chat.messages.last(conversation_id) == mine


@pytest.mark.parametrize("create", [False, True])
async def test_a_hundred_ids_sent_by_24_at_once_are_stored_once_and_all_get_equal_records(
    chat: UserChats, create: bool
) -> None:
    conversation_id = uuid4()
    if not create:
        await chat.conversations.create(id=conversation_id)
    batches = [batch(str(n)) for n in range(100)]

    async def send(sent: list[MessageCreate]) -> list[MessageRead]:
        return await chat.messages.append(conversation_id, *sent, create_conversation=create)

    answers = await asyncio.gather(*[send(sent) for sent in batches for _ in range(24)])

    stored = [message async for message in chat.messages.iterate(conversation_id)]
    assert [message.position for message in stored] == list(range(1, 101))
    by_id = {message.id: message for message in stored}
    for sent, answer in zip([sent for sent in batches for _ in range(24)], answers, strict=True):
        assert answer == [by_id[message.id] for message in sent]
    assert (await chat.conversations.get(conversation_id)).message_count == 100


async def test_equal_sends_at_an_expected_position_all_get_the_record_and_others_learn_of_the_change(
    chat: UserChats, conversation: ConversationRead
) -> None:
    for position in range(20):
        equal, other = batch(f"{position}", f"{position} late")
        sends = [equal] * 8 + [other]
        answers = await asyncio.gather(
            *[chat.messages.append(conversation.id, sent, expected_position=position) for sent in sends],
            return_exceptions=True,
        )
        (stored,) = await chat.messages.last(conversation.id, 1)
        winner = equal if stored.id == equal.id else other
        for sent, answer in zip(sends, answers, strict=True):
            assert answer == [stored] if sent is winner else isinstance(answer, ConversationChanged)


async def test_racing_batches_that_overlap_store_one_of_them_whole(
    chat: UserChats, conversation: ConversationRead
) -> None:
    for _ in range(30):
        a, b, c = batch("a", "b", "c")
        answers = await asyncio.gather(
            chat.messages.append(conversation.id, a, b),
            chat.messages.append(conversation.id, b, c),
            return_exceptions=True,
        )
        assert sorted(isinstance(answer, MessageConflict) for answer in answers) == [False, True]

    after = await chat.conversations.get(conversation.id)
    assert (after.message_count, after.last_position) == (60, 60)
