"""The swap of a key of a conversation's metadata, alone and with messages: what it asks, and who of many swaps."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import (
    ChatStore,
    ConversationChanged,
    ConversationNotFound,
    ConversationRead,
    ConversationUpdate,
    Encryption,
    InvalidInput,
    KeyRing,
    MessageCreate,
    MetadataSwap,
    UserChats,
)

ENCRYPTION = Encryption(KeyRing({"2026": bytes(32)}, "2026"))
FIRST = MetadataSwap("run", {"token": "a"}, None)
SECOND = MetadataSwap("run", {"token": "b"}, {"token": "a"})


def said(content: str = "Hi") -> MessageCreate:
    return MessageCreate(role="user", content=content)


async def _alone(chat: UserChats, id: UUID, swap: MetadataSwap, expected_position: int | None = None) -> Any:
    return await chat.conversations.swap_metadata(id, swap, expected_position=expected_position)


async def _with_a_message(chat: UserChats, id: UUID, swap: MetadataSwap, expected_position: int | None = None) -> Any:
    return await chat.messages.append(id, said(), swap=swap, expected_position=expected_position)


async def _with_a_conversation(
    chat: UserChats, id: UUID, swap: MetadataSwap, expected_position: int | None = None
) -> Any:
    return await chat.messages.append(
        id, said(), swap=swap, expected_position=expected_position, create_conversation=True
    )


Swapping = Callable[..., Awaitable[Any]]
WAYS: Mapping[str, Swapping] = {
    "alone": _alone,
    "with a message": _with_a_message,
    "with a conversation": _with_a_conversation,
}
in_every_way = pytest.mark.parametrize("swapping", WAYS.values(), ids=WAYS)


@pytest.fixture(params=["plain", "encrypting"])
async def chat(request: pytest.FixtureRequest, migrated_database: str, user_id: str, store: ChatStore) -> Any:
    """One user's chats, in a store that encrypts and in one that does not."""
    if request.param == "plain":
        yield store.for_user(user_id)
    else:
        async with ChatStore(migrated_database, encryption=ENCRYPTION) as encrypting:
            yield encrypting.for_user(user_id)
            await encrypting.for_user(user_id).erase()  # with the key, which no other test's ring opens


class TestWhatIsSwapped:
    @in_every_way
    async def test_a_key_becomes_what_is_given_and_the_others_stay(self, chat: UserChats, swapping: Swapping) -> None:
        conversation = await chat.conversations.create(metadata={"channel": "web", "run": {"token": "a", "since": 1}})

        await swapping(chat, conversation.id, SECOND)

        assert (await chat.conversations.get(conversation.id)).metadata == {"channel": "web", "run": {"token": "b"}}

    async def test_what_changed_comes_back(self, chat: UserChats, conversation: ConversationRead) -> None:
        swapped = await chat.conversations.swap_metadata(conversation.id, FIRST)

        assert swapped == await chat.conversations.get(conversation.id)
        assert swapped.metadata == {"run": {"token": "a"}}
        assert swapped.updated_at > conversation.updated_at

    async def test_a_conversation_is_created_with_the_key(self, chat: UserChats) -> None:
        id = uuid4()
        stored = await chat.messages.append(id, said(), create_conversation=True, swap=FIRST)

        created = await chat.conversations.get_with_messages(id)
        assert (created.conversation.metadata, created.messages) == ({"run": {"token": "a"}}, stored)

    @pytest.mark.parametrize("text", ["", "a\x00b", "\ud800", "\ufdd0fdd0", "'; DROP", "ключ"])
    async def test_any_text_is_a_key_and_is_in_a_value(
        self, chat: UserChats, conversation: ConversationRead, text: str
    ) -> None:
        value = {text: [text, {text: text}]}
        await chat.conversations.swap_metadata(conversation.id, MetadataSwap(text, value, None))
        await chat.messages.append(conversation.id, said(), swap=MetadataSwap(text, {**value, "n": 1}, value))

        assert (await chat.conversations.get(conversation.id)).metadata == {text: {**value, "n": 1}}

    async def test_in_a_unit_of_work_it_is_done_or_undone_with_the_rest(
        self, store: ChatStore, user_id: str, chat: UserChats, conversation: ConversationRead
    ) -> None:
        async with store.unit_of_work(user_id) as work:
            await work.conversations.swap_metadata(conversation.id, FIRST)
            await work.conversations.rename(conversation.id, "Rome")
        with pytest.raises(ConversationChanged):
            async with store.unit_of_work(user_id) as work:
                await work.conversations.swap_metadata(conversation.id, SECOND)
                await work.messages.append(conversation.id, said(), swap=SECOND)

        found = await chat.conversations.get(conversation.id)
        assert (found.title, found.metadata, found.message_count) == ("Rome", {"run": {"token": "a"}}, 0)


class TestWhatIsExpected:
    @in_every_way
    @pytest.mark.parametrize(
        ("metadata", "expected"),
        [
            ({}, {}),
            ({"run": {}}, None),
            ({"run": None}, None),
            ({"run": None}, {}),
            ({"run": ["token"]}, {}),
            ({"run": {"token": "a"}}, {"token": "b"}),
            ({"run": {"token": "a"}}, {"token": "a", "more": None}),
            ({"run": {"token": {"n": 1}}}, {"token": {"n": 2}}),
        ],
    )
    async def test_what_is_not_as_expected_stays(
        self, chat: UserChats, swapping: Swapping, metadata: dict[str, Any], expected: dict[str, Any] | None
    ) -> None:
        conversation = await chat.conversations.create(metadata=metadata)
        with pytest.raises(ConversationChanged) as caught:
            await swapping(chat, conversation.id, MetadataSwap("run", {"token": "new"}, expected))

        told = caught.value.conversation_id, caught.value.expected_position, caught.value.last_position
        assert (*told, caught.value.in_metadata) == (conversation.id, None, 0, True)
        assert await chat.conversations.get(conversation.id) == conversation

    @in_every_way
    @pytest.mark.parametrize(
        ("present", "expected"),
        [
            ({}, {}),
            ({"token": "a"}, {}),
            ({"token": "a", "more": None}, {"token": "a"}),
            ({"token": {"n": 1, "m": 2}}, {"token": {"n": 1}}),
            ({"many": [1, 2, 3]}, {"many": [3, 1]}),
        ],
    )
    async def test_what_contains_what_is_expected_is_swapped(
        self, chat: UserChats, swapping: Swapping, present: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        conversation = await chat.conversations.create(metadata={"run": present})

        await swapping(chat, conversation.id, MetadataSwap("run", {"token": "new"}, expected))

        assert (await chat.conversations.get(conversation.id)).metadata == {"run": {"token": "new"}}

    @in_every_way
    async def test_the_log_is_to_be_where_it_is_expected_too(
        self, chat: UserChats, conversation: ConversationRead, swapping: Swapping
    ) -> None:
        await chat.messages.append(conversation.id, said())
        with pytest.raises(ConversationChanged) as caught:
            await swapping(chat, conversation.id, FIRST, 0)
        await swapping(chat, conversation.id, FIRST, 1)

        told = caught.value.expected_position, caught.value.last_position, caught.value.in_metadata
        assert told == (0, 1, False)
        assert (await chat.conversations.get(conversation.id)).metadata == {"run": {"token": "a"}}

    async def test_an_empty_conversation_that_has_the_key_already_is_not_taken_for_a_new_one(
        self, chat: UserChats
    ) -> None:
        taken = await chat.conversations.create(metadata={"run": {}})
        free = await chat.conversations.create()

        for id in (taken.id, free.id):
            append = chat.messages.append(id, said(), create_conversation=True, expected_position=0, swap=FIRST)
            told = (await asyncio.gather(append, return_exceptions=True))[0]
            assert isinstance(told, ConversationChanged) is (id == taken.id)

    async def test_none_is_created_for_a_swap_that_expects_a_key(self, chat: UserChats) -> None:
        id = uuid4()
        with pytest.raises(ConversationNotFound):
            await chat.messages.append(id, said(), create_conversation=True, swap=SECOND)

        assert (await chat.conversations.page()).items == []


class TestDoneAgain:
    async def test_a_swap_that_was_done_is_found_done_wherever_the_log_is_by_then(
        self, chat: UserChats, conversation: ConversationRead
    ) -> None:
        await chat.conversations.swap_metadata(conversation.id, FIRST, expected_position=0)
        await chat.messages.append(conversation.id, said())

        again = await chat.conversations.swap_metadata(conversation.id, FIRST, expected_position=0)

        assert (again.metadata, again.last_position) == ({"run": {"token": "a"}}, 1)

    async def test_after_somebody_elses_it_is_refused(self, chat: UserChats, conversation: ConversationRead) -> None:
        await chat.conversations.swap_metadata(conversation.id, FIRST)
        await chat.conversations.swap_metadata(conversation.id, SECOND)

        with pytest.raises(ConversationChanged):
            await chat.conversations.swap_metadata(conversation.id, FIRST)

    @pytest.mark.parametrize("create_conversation", [False, True])
    async def test_messages_that_are_stored_come_back_whatever_the_key_has_become(
        self, chat: UserChats, conversation: ConversationRead, create_conversation: bool
    ) -> None:
        message = said()
        stored = await chat.messages.append(conversation.id, message, swap=FIRST)
        await chat.conversations.swap_metadata(conversation.id, SECOND)

        again = await chat.messages.append(
            conversation.id, message, swap=FIRST, create_conversation=create_conversation
        )

        assert again == stored
        assert (await chat.conversations.get(conversation.id)).metadata == {"run": {"token": "b"}}

    async def test_of_two_equal_sends_both_are_answered(self, chat: UserChats) -> None:
        for _ in range(20):
            id, message = uuid4(), said()
            sends = [chat.messages.append(id, message, create_conversation=True, swap=FIRST) for _ in range(4)]
            answers = await asyncio.gather(*sends)

            assert answers == [await chat.messages.last(id)] * 4


class TestManyAtOnce:
    @in_every_way
    @settings(max_examples=15, deadline=None)
    @given(callers=st.integers(2, 8), rounds=st.integers(1, 4))
    async def test_of_many_who_read_the_same_token_one_swaps_it(
        self, store: ChatStore, swapping: Swapping, callers: int, rounds: int
    ) -> None:
        chat, id, token = store.for_user(f"user-{uuid4()}"), uuid4(), None
        if swapping is not _with_a_conversation:
            await chat.conversations.create(id=id)

        for _ in range(rounds):
            swaps = [MetadataSwap("run", {"token": uuid4().hex}, token) for _ in range(callers)]
            told = await asyncio.gather(*[swapping(chat, id, swap) for swap in swaps], return_exceptions=True)

            (won,) = [swap for swap, each in zip(swaps, told, strict=True) if not isinstance(each, ConversationChanged)]
            token = (await chat.conversations.get(id)).metadata["run"]
            assert token == won.value

        assert len(await chat.messages.last(id)) == (0 if swapping is _alone else rounds)

    @in_every_way
    async def test_who_appended_meanwhile_is_noticed_by_the_position(
        self, chat: UserChats, conversation: ConversationRead, swapping: Swapping
    ) -> None:
        """Who swaps at the position that was read never does so past a message unseen."""
        for number in range(40):
            read = await chat.conversations.get(conversation.id)
            swap = MetadataSwap("run", {"number": number}, read.metadata.get("run"))
            both = [
                swapping(chat, conversation.id, swap, read.last_position),
                chat.messages.append(conversation.id, said()),
            ]
            told: list[Any] = await asyncio.gather(*both[:: (-1) ** number], return_exceptions=True)

            swapped, appended = told[:: (-1) ** number]
            (position,) = [message.position for message in appended]
            if isinstance(swapped, ConversationChanged):
                assert (swapped.last_position, swapped.in_metadata) == (position, False)
            else:
                was_at = swapped.last_position if isinstance(swapped, ConversationRead) else swapped[0].position - 1
                assert was_at == read.last_position < position

    async def test_swaps_of_different_keys_do_not_meet(self, chat: UserChats, conversation: ConversationRead) -> None:
        swaps = [MetadataSwap(f"run-{number}", {"n": number}, None) for number in range(10)]

        await asyncio.gather(*[chat.conversations.swap_metadata(conversation.id, swap) for swap in swaps])

        metadata = (await chat.conversations.get(conversation.id)).metadata
        assert metadata == {swap.key: swap.value for swap in swaps}

    async def test_a_swap_that_is_refused_was_not_possible_when_that_was_looked_at(self, chat: UserChats) -> None:
        """The key is set meanwhile: before it or after it, and nothing else."""
        for number in range(100):
            conversation = await chat.conversations.create()
            swapping = asyncio.create_task(chat.conversations.swap_metadata(conversation.id, SECOND))
            await asyncio.sleep(number % 20 / 10_000)
            await chat.conversations.update(conversation.id, ConversationUpdate(metadata={"run": {"token": "a"}}))
            (told,) = await asyncio.gather(swapping, return_exceptions=True)

            token = (await chat.conversations.get(conversation.id)).metadata["run"]["token"]
            assert token == ("a" if isinstance(told, ConversationChanged) else "b"), told


class TestRefused:
    @pytest.mark.parametrize(
        ("swap", "field", "reason"),
        [
            ({"key": "run"}, "swap", "must be a MetadataSwap"),
            (MetadataSwap("x" * 21, {}, None), "swap.key", "longer than 20 characters"),
            (MetadataSwap("run", {"a": "x" * 20}, None), "swap.value", "longer than 20 characters as JSON"),
            (MetadataSwap("run", {}, {"a": "x" * 20}), "swap.expected", "longer than 20 characters as JSON"),
            (
                MetadataSwap("run", {"a": [float("nan")]}, None),
                "swap.value.<key 1>[0]",
                "NaN and infinities are not JSON",
            ),
            (
                MetadataSwap("run", {}, {"a": {1: 2}}),
                "swap.expected.<key 1>.<key 1>",
                "a key that is not a string",
            ),
        ],
    )
    @in_every_way
    async def test_what_cannot_be_is_refused_by_its_place(
        self, migrated_database: str, user_id: str, swapping: Swapping, swap: Any, field: str, reason: str
    ) -> None:
        async with ChatStore(migrated_database, max_json_chars=20) as store:
            with pytest.raises(InvalidInput) as caught:
                await swapping(store.for_user(user_id), uuid4(), swap)

        assert (caught.value.field, caught.value.reason) == (field, reason)
