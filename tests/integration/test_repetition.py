"""What is done again when an answer is lost, and what is not."""

import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from chat_persistence import (
    ChatStore,
    ConversationNotFound,
    ConversationRead,
    MessageCreate,
    MetadataSwap,
    OutcomeUnknown,
    StoreUnavailable,
    UserChats,
)
from chat_persistence.selftest.relay import Relay

Cut = tuple[UserChats, Relay]


class CutForGood(Relay):
    """A line that is lost, and every one after it."""

    def is_cut_by(self, question: bytes) -> bool:
        is_cut = super().is_cut_by(question)
        if is_cut:
            self.cut_next()
        return is_cut


@pytest.fixture
async def cut(migrated_database: str, user_id: str) -> AsyncIterator[Cut]:
    """The user's chats, through a relay that can lose an answer."""
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        yield store.for_user(user_id), relay


async def test_a_deletion_whose_answer_is_lost_finds_its_work_done(
    cut: Cut, chat: UserChats, conversation: ConversationRead
) -> None:
    cut_chat, relay = cut
    other = await chat.conversations.create()
    await cut_chat.conversations.delete(other.id)  # the statement is prepared

    relay.cut_next()
    await cut_chat.conversations.delete(conversation.id)

    assert relay.cuts == 1
    with pytest.raises(ConversationNotFound):
        await chat.conversations.get(conversation.id)


async def test_a_deletion_whose_question_is_lost_is_done(
    cut: Cut, chat: UserChats, conversation: ConversationRead
) -> None:
    """Cut while the statement was being prepared: it never ran."""
    cut_chat, relay = cut
    await cut_chat.conversations.get(conversation.id)

    relay.cut_next(b"DELETE")
    await cut_chat.conversations.delete(conversation.id)

    assert relay.cuts == 1
    with pytest.raises(ConversationNotFound):
        await chat.conversations.get(conversation.id)


async def test_a_deletion_that_is_not_answered_in_time_can_be_made_again(
    migrated_database: str, store: ChatStore, conversation: ConversationRead, user_id: str
) -> None:
    """By its caller: its time limit is met once and not twice."""
    async with ChatStore(migrated_database, command_timeout=1.0) as impatient, store.unit_of_work(user_id) as holding:
        await holding.conversations.rename(conversation.id, "held")
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="did not answer in time") as caught:
            await impatient.for_user(user_id).conversations.delete(conversation.id)

        assert 1.0 <= time.monotonic() - started < 2.0
    assert caught.value.retryable


async def test_a_rewind_whose_answer_is_lost_is_not_repeated(
    cut: Cut, chat: UserChats, conversation: ConversationRead
) -> None:
    """A late repetition could delete what was appended since."""
    cut_chat, relay = cut
    await chat.messages.append(conversation.id, *[MessageCreate(role="user", content="Hi") for _ in range(3)])
    await cut_chat.messages.rewind(conversation.id, 2)

    relay.cut_next()
    with pytest.raises(OutcomeUnknown):
        await cut_chat.messages.rewind(conversation.id, 1)

    assert [message.position for message in await chat.messages.last(conversation.id)] == [1]


@pytest.fixture
async def log(chat: UserChats, conversation: ConversationRead, cut: Cut) -> ConversationRead:
    """A conversation of three messages and a gap, through whose line a rewind has been made before."""
    await chat.messages.append(conversation.id, *[MessageCreate(role="user", content="Hi") for _ in range(4)])
    return await cut[0].messages.rewind(conversation.id, 3, expected_position=4)


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("to_position", [0, 1, 3, 4, 5])
async def test_a_rewind_at_a_position_whose_answer_or_question_is_lost_is_done(
    cut: Cut, chat: UserChats, log: ConversationRead, arrives: bool, to_position: int
) -> None:
    """Also one that has nothing to delete, which takes no position."""
    cut_chat, relay = cut

    relay.cut_next(arrives=arrives)
    rewound = await cut_chat.messages.rewind(log.id, to_position, expected_position=5)

    left = await chat.messages.last(log.id)
    assert relay.cuts == 1
    assert rewound == await chat.conversations.get(log.id)
    assert [message.position for message in left] == [1, 2, 3][:to_position]
    assert rewound.last_position == (6 if to_position < 3 else 5)


async def test_a_rewind_to_a_gap_whose_answer_is_lost_may_have_been_a_deeper_one(
    cut: Cut, chat: UserChats, log: ConversationRead
) -> None:
    cut_chat, relay = cut
    await chat.messages.append(log.id, MessageCreate(role="user", content="Hi"))

    relay.cut_next()
    with pytest.raises(OutcomeUnknown):
        await cut_chat.messages.rewind(log.id, 4, expected_position=6)

    assert [message.position for message in await chat.messages.last(log.id)] == [1, 2, 3]


async def test_a_rewind_at_a_position_that_cannot_be_found_out_about_says_that_nobody_knows(
    migrated_database: str, user_id: str, chat: UserChats, log: ConversationRead
) -> None:
    relay = CutForGood(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        cut_chat = store.for_user(user_id)
        await cut_chat.messages.rewind(log.id, 3, expected_position=5)

        relay.cut_next()
        with pytest.raises(OutcomeUnknown):
            await cut_chat.messages.rewind(log.id, 1, expected_position=5)

    assert relay.cuts > 1
    assert [message.position for message in await chat.messages.last(log.id)] == [1]


@pytest.mark.parametrize(("to_position", "expected_position"), [(2, 5), (2, 4), (6, 5), (3, 7), (6, 7)])
async def test_a_rewind_at_another_position_whose_answer_is_lost_says_that_nobody_knows(
    cut: Cut, chat: UserChats, log: ConversationRead, to_position: int, expected_position: int
) -> None:
    """One message more is no rewind, nor is a log that ends there for another reason."""
    cut_chat, relay = cut
    await chat.messages.append(log.id, MessageCreate(role="user", content="Hi"))

    relay.cut_next()
    with pytest.raises(OutcomeUnknown):
        await cut_chat.messages.rewind(log.id, to_position, expected_position=expected_position)

    assert [message.position for message in await chat.messages.last(log.id)] == [1, 2, 3, 6]


async def test_an_append_whose_answer_is_lost_is_repeated_by_its_ids(
    cut: Cut, chat: UserChats, conversation: ConversationRead
) -> None:
    cut_chat, relay = cut
    await cut_chat.messages.append(conversation.id, MessageCreate(role="user", content="first"))

    relay.cut_next()
    stored = await cut_chat.messages.append(conversation.id, MessageCreate(id=uuid4(), role="user", content="Hi"))

    assert relay.cuts == 1
    assert (await chat.messages.last(conversation.id))[1:] == stored


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_swap_whose_answer_or_question_is_lost_is_done_once(
    cut: Cut, chat: UserChats, conversation: ConversationRead, arrives: bool
) -> None:
    cut_chat, relay = cut
    await cut_chat.conversations.swap_metadata(conversation.id, MetadataSwap("run", {"token": "a"}, None))

    relay.cut_next(arrives=arrives)
    swap = MetadataSwap("run", {"token": "b"}, {"token": "a"})
    swapped = await cut_chat.conversations.swap_metadata(conversation.id, swap, expected_position=0)

    assert relay.cuts == 1
    assert swapped == await chat.conversations.get(conversation.id)
    assert swapped.metadata == {"run": {"token": "b"}}


@pytest.mark.parametrize("arrives", [True, False])
async def test_an_append_with_a_swap_whose_answer_or_question_is_lost_is_done_once(
    cut: Cut, chat: UserChats, conversation: ConversationRead, arrives: bool
) -> None:
    cut_chat, relay = cut
    said = [MessageCreate(role="user", content=content) for content in ("first", "second")]
    await cut_chat.messages.append(conversation.id, said[0], swap=MetadataSwap("run", {"token": "a"}, None))

    relay.cut_next(arrives=arrives)
    swap = MetadataSwap("run", {"token": "b"}, {"token": "a"})
    stored = await cut_chat.messages.append(conversation.id, said[1], swap=swap)

    assert relay.cuts == 1
    assert (await chat.messages.last(conversation.id))[1:] == stored
    assert (await chat.conversations.get(conversation.id)).metadata == {"run": {"token": "b"}}
