"""What is promised of messages."""

import asyncio
from uuid import UUID

import pytest

from chat_persistence.errors import (
    ConversationChanged,
    ConversationNotFound,
    InvalidInput,
    MessageConflict,
    MessageNotFound,
)
from chat_persistence.models import MessageRole
from chat_persistence.testing.contract.chats import Chats
from chat_persistence.testing.contract.contract import (
    Contract,
    contents,
    for_ada,
    log_of,
    positions,
    replied,
    said,
    somebodys_id,
)
from chat_persistence.values import MessageCreate, MessageRead, ToolCall

TEXTS = [
    "",
    " \n\t ",
    "Grüße, 你好, مرحبا, 👩‍🚀",
    "e\u0301 is not \u00e9",
    "NUL \x00, a half \ud83d, \ufdd00000",
    "'; DROP--",
]

CANCELLATIONS = 25
APPENDED_AT_ONCE = 10
ROUNDS = 2


class MessagesContract(Contract):
    """What a wrapper of `MessageRepository` keeps."""

    @for_ada
    async def test_last_returns_the_newest_oldest_first(self, chats: Chats) -> None:
        id, _ = await log_of(chats, "one", "two", "three", "four")

        assert contents(await chats.messages.last(id, 2)) == ["three", "four"]
        assert contents(await chats.messages.last(id)) == ["one", "two", "three", "four"]

    @for_ada
    async def test_positions_count_from_one_in_the_order_given(self, chats: Chats) -> None:
        id, _ = await log_of(chats)

        stored = await chats.messages.append(id, said("one"), replied("two"))
        stored += await chats.messages.append(id, said("three"))

        assert (contents(stored), positions(stored)) == (["one", "two", "three"], [1, 2, 3])
        assert await chats.messages.last(id) == stored

    @for_ada
    async def test_the_same_ids_are_stored_once(self, chats: Chats) -> None:
        id, _ = await log_of(chats)
        turn = (said("A train"), replied("Booked"))
        stored = await chats.messages.append(id, *turn)
        await chats.messages.append(id, said("Thanks"))

        assert await chats.messages.append(id, *turn) == stored
        assert contents(await chats.messages.last(id)) == ["A train", "Booked", "Thanks"]

    @for_ada
    async def test_equal_texts_are_messages_of_their_own(self, chats: Chats) -> None:
        id, _ = await log_of(chats, "ok", "ok")

        assert positions(await chats.messages.append(id, said("ok"), said("ok"))) == [3, 4]

    @for_ada
    async def test_an_id_that_is_stored_with_something_else_is_a_conflict(self, chats: Chats) -> None:
        id, _ = await log_of(chats)
        message = said("A train")
        await chats.messages.append(id, message)

        with pytest.raises(MessageConflict) as caught:
            await chats.messages.append(id, said("Please"), message.model_copy(update={"content": "A plane"}))

        assert message.id in caught.value.message_ids
        assert contents(await chats.messages.last(id)) == ["A train"]

    @for_ada
    async def test_an_append_needs_its_conversation_or_creates_it(self, chats: Chats) -> None:
        id = somebodys_id()

        with pytest.raises(ConversationNotFound):
            await chats.messages.append(id, said("Hi"))
        assert await chats.messages.last(id) == []
        assert positions(await chats.messages.append(id, said("Hi"), create_conversation=True)) == [1]

    @for_ada
    async def test_an_append_after_what_has_moved_on_is_refused(self, chats: Chats) -> None:
        id, _ = await log_of(chats, "one", "two")

        with pytest.raises(ConversationChanged) as caught:
            await chats.messages.append(id, said("three"), expected_position=1)

        assert (caught.value.expected_position, caught.value.last_position) == (1, 2)
        assert positions(await chats.messages.append(id, said("three"), expected_position=2)) == [3]

    @for_ada
    async def test_appends_at_once_leave_no_gap_and_none_is_lost(self, chats: Chats) -> None:
        id, (first,) = await log_of(chats, "first")

        # The first round may spread over the connections that it has to wait for.
        answers = [answer for _ in range(ROUNDS) for answer in await self._append_at_once(chats, id)]

        log = await chats.messages.last(id)
        assert positions(log) == list(range(1, 2 + 2 * ROUNDS * APPENDED_AT_ONCE))
        assert log[0] == first
        assert all(log[answer[0].position - 1 : answer[1].position] == answer for answer in answers)

    async def _append_at_once(self, chats: Chats, id: UUID) -> list[list[MessageRead]]:
        turns = [(said(f"{n}"), replied(f"{n}")) for n in range(APPENDED_AT_ONCE)]
        return await asyncio.gather(*[chats.messages.append(id, *turn) for turn in turns])

    @for_ada
    async def test_the_same_append_twice_at_once_is_stored_once(self, chats: Chats) -> None:
        id, _ = await log_of(chats)
        turn = (said("A train"), replied("Booked"))

        first, second = await asyncio.gather(chats.messages.append(id, *turn), chats.messages.append(id, *turn))

        assert first == second == await chats.messages.last(id)

    @for_ada
    async def test_an_append_whose_caller_is_cancelled_is_stored_whole_or_not(self, chats: Chats) -> None:
        id, _ = await log_of(chats)
        batches = [[said(f"{n}") for _ in range(5)] for n in range(CANCELLATIONS)]
        for number, batch in enumerate(batches):
            append = asyncio.create_task(chats.messages.append(id, *batch))
            await asyncio.wait([append], timeout=number * 0.0003)
            append.cancel()
            await asyncio.wait([append])
        await chats.messages.append(id, said("the end"))

        log = [message async for message in chats.messages.iterate(id)]
        assert positions(log) == list(range(1, len(log) + 1))
        stored = {message.id for message in log}
        assert {len(stored.intersection(message.id for message in batch)) for batch in batches} <= {0, 5}

    @for_ada
    async def test_pages_lead_backwards_through_the_log(self, chats: Chats) -> None:
        id, _ = await log_of(chats, *"abcde")

        newest = await chats.messages.page(id, 2)
        middle = await chats.messages.page(id, 2, before=newest.next_cursor)
        oldest = await chats.messages.page(id, 2, before=middle.next_cursor)

        assert [contents(page.items) for page in (newest, middle, oldest)] == [["d", "e"], ["b", "c"], ["a"]]
        assert oldest.next_cursor is None

    @for_ada
    async def test_pages_lead_forwards_through_the_log(self, chats: Chats) -> None:
        id, _ = await log_of(chats, *"abcde")

        oldest = await chats.messages.page(id, 3, after=0)
        newest = await chats.messages.page(id, 3, after=oldest.next_cursor)

        assert [contents(page.items) for page in (oldest, newest)] == [["a", "b", "c"], ["d", "e"]]
        assert newest.next_cursor is None

    @for_ada
    async def test_iterating_yields_every_message_in_order(self, chats: Chats) -> None:
        id, messages = await log_of(chats, *"abc")

        assert [message async for message in chats.messages.iterate(id)] == messages

    @for_ada
    async def test_a_message_is_read_by_its_id(self, chats: Chats) -> None:
        _, (message,) = await log_of(chats, "Hi")

        assert await chats.messages.get(message.id) == message
        with pytest.raises(MessageNotFound):
            await chats.messages.get(somebodys_id())

    @for_ada
    async def test_whole_turns_begin_with_what_the_person_said(self, chats: Chats) -> None:
        id, _ = await log_of(chats)
        await chats.messages.append(id, said("one"), replied("1"), said("two"), replied("2a"), replied("2b"))

        assert contents(await chats.messages.last_turns(id, 1)) == ["two", "2a", "2b"]
        assert contents(await chats.messages.last(id, 4, whole_turns=True)) == ["two", "2a", "2b"]

    @for_ada
    async def test_a_rewind_deletes_what_came_after(self, chats: Chats) -> None:
        id, _ = await log_of(chats, "one", "two", "three")

        conversation = await chats.messages.rewind(id, 1)
        (message,) = await chats.messages.append(id, said("again"))

        assert (conversation.message_count, message.position > 3) == (1, True)
        assert contents(await chats.messages.last(id)) == ["one", "again"]

    @for_ada
    async def test_any_text_comes_back_equal(self, chats: Chats) -> None:
        id, _ = await log_of(chats)

        await chats.messages.append(
            id, *[MessageCreate(role=MessageRole.ASSISTANT, content=text, native={"is": "kept"}) for text in TEXTS]
        )

        assert contents(await chats.messages.last(id)) == TEXTS

    @for_ada
    async def test_any_json_comes_back_equal(self, chats: Chats) -> None:
        id, _ = await log_of(chats)
        value = {"n": [1, -2.5, 10**30, True, None], "text": TEXTS, "deep": {"": {"k\x00": []}}}
        call = ToolCall(id="c1", name="book", arguments='{"to": "Rome"}', result=value)
        message = MessageCreate(
            role=MessageRole.ASSISTANT, content="", tool_calls=[call], native=[value], metadata=value
        )

        await chats.messages.append(id, message)

        (read,) = await chats.messages.last(id)
        assert (read.tool_calls, read.native, read.metadata) == ([call], [value], value)

    @for_ada
    async def test_what_no_answer_can_hold_is_refused(self, chats: Chats) -> None:
        id, messages = await log_of(chats, "Hi")

        for limit in (0, -1, 1001):
            for call in (chats.messages.last, chats.messages.page, chats.messages.last_turns):
                with pytest.raises(InvalidInput):
                    await call(id, limit)
        for given in ([], [said("x" * 1_000_001)], [said("x")] * 2, [said("x")] * 1001):
            with pytest.raises(InvalidInput):
                await chats.messages.append(id, *given)

        assert await chats.messages.last(id) == messages
