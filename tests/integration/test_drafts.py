"""Replies that arrive token by token: stored in parts on the side, and one message in the end."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID, uuid4

import anyio
import asyncpg
import pytest

from chat_persistence import (
    ChatStore,
    ConversationNotFound,
    ConversationRead,
    Draft,
    DraftClosed,
    InvalidInput,
    MessageCreate,
    MessageNotFound,
    MessageRead,
    SchemaMismatch,
    StoreUnavailable,
    ToolCall,
    UserChats,
)
from chat_persistence.draft_storing import PARTS_BEHIND
from chat_persistence.selftest.relay import Relay, Stream
from tests.servers import new_migrated_database

SOON = 0.02
NEVER = 3_600.0


async def left_behind(chat: UserChats, conversation_id: UUID, *texts: str, id: UUID | None = None) -> Draft:
    """Return a draft as a process leaves it that dies: each text a part, and no end."""
    draft = chat.drafts.begin(conversation_id, id=id, flush_seconds=NEVER)
    await draft.__aenter__()
    for text in texts:
        await draft.write(text)
        await draft.flush()
    return draft


async def contents(chat: UserChats, conversation_id: UUID) -> list[tuple[str, Any]]:
    return [(message.content, message.metadata) for message in await chat.messages.last(conversation_id)]


async def parts(connection: asyncpg.Connection, conversation_id: UUID) -> list[str]:
    query = "SELECT content FROM drafts WHERE conversation_id = $1 ORDER BY id, part"
    return [row[0] for row in await connection.fetch(query, conversation_id)]


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not await condition():
            await asyncio.sleep(0.005)


async def test_a_reply_becomes_one_message_at_the_end_of_its_block(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    async with chat.drafts.begin(conversation.id) as reply:
        for token in ("A ", "train ", "to ", "Rome"):
            await reply.write(token)
            await reply.flush()
        assert await parts(connection, conversation.id) == ["A ", "train ", "to ", "Rome"]

    assert await chat.messages.last(conversation.id) == [reply.message]
    assert reply.message is not None
    assert (reply.message.id, reply.message.role, reply.message.content) == (reply.id, "assistant", "A train to Rome")
    assert await parts(connection, conversation.id) == []


async def test_what_is_known_in_the_end_is_stored_with_it(chat: UserChats, conversation: ConversationRead) -> None:
    call = ToolCall(id="c1", name="book", arguments="{}")
    async with chat.drafts.begin(conversation.id, metadata={"model": "m", "a": 1}) as reply:
        await reply.write("Booked.")
        message = await reply.finish(tool_calls=[call], native={"raw": 1}, metadata={"a": 2}, token_count=3)

    assert await chat.messages.last(conversation.id) == [message] == [reply.message]
    assert (message.tool_calls, message.native, message.token_count) == ([call], {"raw": 1}, 3)
    assert message.metadata == {"model": "m", "a": 2}


async def test_the_providers_items_come_back_as_a_list(chat: UserChats, conversation: ConversationRead) -> None:
    items = [{"type": "text", "text": "\x00\ud83d"}, [1.5, None], "x"]
    async with chat.drafts.begin(conversation.id) as reply:
        for item in items:
            await reply.write(native=item)
        await reply.flush()
        (draft,) = (await chat.drafts.page(conversation.id)).items

    assert reply.message is not None
    assert draft.native == reply.message.native == items
    assert reply.message.content == ""


async def test_parts_are_stored_on_the_side_after_a_while_or_so_many_characters(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    async with chat.drafts.begin(conversation.id, flush_seconds=SOON, flush_chars=100) as reply:
        await reply.write("after a while")
        await until(lambda: _equal(parts(connection, conversation.id), ["after a while"]))
    async with chat.drafts.begin(conversation.id, flush_seconds=NEVER, flush_chars=100) as reply:
        await reply.write("x" * 99)
        await reply.write("yz")
        await until(lambda: _equal(parts(connection, conversation.id), ["x" * 99 + "yz"]))


async def _equal(answer: Any, expected: Any) -> bool:
    return bool(await answer == expected)


@pytest.mark.parametrize("how", ["exception", "cancelled", "scope of anyio", "generator closed"])
async def test_a_reply_that_breaks_off_is_a_message_that_says_so(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection, how: str
) -> None:
    async def receive() -> AsyncGenerator[None, None]:
        async with chat.drafts.begin(conversation.id, metadata={"model": "m"}) as reply:
            await reply.write("A train")
            await reply.flush()
            await reply.write(" to")
            yield
            if how == "exception":
                raise RuntimeError
            await asyncio.sleep(60)

    async def read_on() -> None:
        received = receive()
        await anext(received)
        if how == "generator closed":
            await received.aclose()
        else:
            await anext(received, None)

    await _break_off(read_on, how)

    await until(lambda: _equal(contents(chat, conversation.id), [("A train to", {"model": "m", "aborted": True})]))
    assert await parts(connection, conversation.id) == []


async def _break_off(read_on: Any, how: str) -> None:
    if how == "scope of anyio":
        with anyio.move_on_after(0.05):
            await read_on()
        return
    reading = asyncio.create_task(read_on())
    await asyncio.sleep(0.05)
    if how == "cancelled":
        reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def test_where_nothing_was_received_nothing_is_stored(chat: UserChats, conversation: ConversationRead) -> None:
    async with chat.drafts.begin(conversation.id) as reply:
        await reply.write("")
    with pytest.raises(RuntimeError):
        async with chat.drafts.begin(conversation.id):
            raise RuntimeError
    with pytest.raises(InvalidInput) as raised:
        async with chat.drafts.begin(conversation.id) as empty:
            await empty.finish(metadata={"a": 1})

    assert (reply.message, raised.value.field) == (None, "content")
    assert await chat.messages.last(conversation.id) == []


async def test_what_a_dead_process_left_is_found_and_made_a_message(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    dead = await left_behind(chat, conversation.id, "A train", " to")

    (draft,) = (await chat.drafts.page(conversation.id)).items
    message = await chat.drafts.abort(conversation.id, draft.id, metadata={"recovered": 1})

    assert (draft.id, draft.content, draft.parts) == (dead.id, "A train to", 2)
    assert draft.started_at < draft.updated_at
    assert (message.id, message.content, message.metadata) == (
        dead.id,
        "A train to",
        {"recovered": 1, "aborted": True},
    )
    assert (await chat.drafts.page(conversation.id)).items == []
    assert await parts(connection, conversation.id) == []


async def test_many_recoverers_at_once_store_it_once(chat: UserChats, conversation: ConversationRead) -> None:
    dead = await left_behind(chat, conversation.id, "A train", " to")

    messages = await asyncio.gather(*(chat.drafts.finish(conversation.id, dead.id) for _ in range(20)))

    assert await chat.messages.last(conversation.id) == [messages[0]]
    assert messages == [messages[0]] * 20


async def test_what_is_discarded_is_gone_and_what_is_a_message_stays(
    chat: UserChats, conversation: ConversationRead
) -> None:
    draft = await left_behind(chat, conversation.id, "gone")
    for _ in range(2):
        await chat.drafts.discard(conversation.id, draft.id)
    async with chat.drafts.begin(conversation.id) as reply:
        await reply.write("gone, too")
        await reply.flush()
        await reply.discard()
    async with chat.drafts.begin(conversation.id) as kept:
        await kept.write("kept")
        await kept.finish()
        await kept.discard()
    await chat.drafts.discard(conversation.id, kept.id)

    with pytest.raises(MessageNotFound):
        await chat.drafts.finish(conversation.id, draft.id)
    with pytest.raises(DraftClosed):
        await reply.finish()
    assert (await chat.drafts.page(conversation.id)).items == []
    assert await contents(chat, conversation.id) == [("kept", None)]


async def test_a_message_of_another_conversation_is_no_draft_of_this_one(
    chat: UserChats, conversation: ConversationRead
) -> None:
    other = await chat.conversations.create()
    (message,) = await chat.messages.append(other.id, MessageCreate(role="assistant", content="Hi"))

    assert await chat.drafts.finish(other.id, message.id) == message
    with pytest.raises(MessageNotFound):
        await chat.drafts.finish(conversation.id, message.id)
    with pytest.raises(DraftClosed):
        await left_behind(chat, conversation.id, "Hi", id=message.id)


@pytest.mark.parametrize("end", ["finish", "abort", "discard"])
async def test_a_receiver_is_told_when_another_process_has_ended_its_draft(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection, end: str
) -> None:
    """A stop button, in whatever process it is pressed."""
    with pytest.raises(DraftClosed) as raised:
        async with chat.drafts.begin(conversation.id, flush_seconds=SOON) as reply:
            await reply.write("A train")
            await reply.flush()
            await getattr(chat.drafts, end)(conversation.id, reply.id)
            async with asyncio.timeout(5):
                while True:
                    await reply.write(" on and on")
                    await asyncio.sleep(0.01)

    assert raised.value.draft_id == reply.id
    expected = {"finish": [("A train", None)], "abort": [("A train", {"aborted": True})], "discard": []}
    assert await contents(chat, conversation.id) == expected[end]
    assert await parts(connection, conversation.id) == []


async def test_finishing_what_another_process_finished_otherwise_is_refused(
    chat: UserChats, conversation: ConversationRead
) -> None:
    with pytest.raises(DraftClosed):
        async with chat.drafts.begin(conversation.id, flush_seconds=NEVER) as reply:
            await reply.write("A train")
            await reply.flush()
            await chat.drafts.finish(conversation.id, reply.id)
            await reply.write(" to Rome")

    assert await contents(chat, conversation.id) == [("A train", None)]


async def test_a_reply_that_was_discarded_unnoticed_is_still_finished(
    chat: UserChats, conversation: ConversationRead
) -> None:
    async with chat.drafts.begin(conversation.id, flush_seconds=NEVER) as reply:
        await reply.write("A train")
        await reply.flush()
        await chat.drafts.discard(conversation.id, reply.id)

    assert await contents(chat, conversation.id) == [("A train", None)]


async def test_finishing_again_is_the_same_and_writing_is_refused(
    chat: UserChats, conversation: ConversationRead
) -> None:
    draft = chat.drafts.begin(conversation.id)
    with pytest.raises(DraftClosed):
        await draft.write("before its block")
    async with draft as reply:
        await reply.write("Hi")
        finished = await reply.finish()
        for late in (reply.write("late"), reply.flush()):
            with pytest.raises(DraftClosed):
                await late
    with pytest.raises(DraftClosed):
        async with draft:
            pass

    assert [finished] == [await reply.finish()] == [await reply.abort()] == await chat.messages.last(conversation.id)


async def test_of_two_receivers_of_one_id_the_first_to_finish_stands(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    id = uuid4()
    first = await left_behind(chat, conversation.id, "the first", id=id)
    with pytest.raises(DraftClosed):
        async with chat.drafts.begin(conversation.id, id=id, flush_seconds=SOON) as second:
            await second.write("the second")
            await asyncio.sleep(5 * SOON)
            await second.write(" goes on")
            with pytest.raises(DraftClosed):
                await second.flush()
            assert await parts(connection, conversation.id) == ["the first"]
            await first.finish()

    assert await contents(chat, conversation.id) == [("the first", None)]


async def test_a_reply_whose_first_try_died_is_received_anew(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    """As after a post that is sent again."""
    dead = await left_behind(chat, conversation.id, "the first")
    async with chat.drafts.begin(conversation.id, id=dead.id, flush_seconds=SOON) as reply:
        await reply.write("the second")
        await asyncio.sleep(5 * SOON)
        await reply.write(" try")

    assert await contents(chat, conversation.id) == [("the second try", None)]
    assert await parts(connection, conversation.id) == []


async def test_a_part_that_comes_after_the_message_is_no_draft(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    """Sent before, and run at the same time: the two statements cannot see each other."""
    late = await left_behind(chat, conversation.id, "A", " train")
    await chat.drafts.finish(conversation.id, late.id)
    plant = "INSERT INTO drafts (user_id, conversation_id, id, part, content) VALUES ($1, $2, $3, $4, 'late')"
    await connection.execute(plant, conversation.user_id, conversation.id, late.id, 3)

    assert (await chat.drafts.page(conversation.id)).items == []
    await chat.messages.rewind(conversation.id, 0)
    assert (await chat.drafts.page(conversation.id)).items == []
    with pytest.raises(MessageNotFound):
        await chat.drafts.finish(conversation.id, late.id)
    with pytest.raises(DraftClosed):
        await late.write("later")
        await late.flush()


async def test_a_part_is_stored_only_after_the_one_before_it(chat: UserChats, conversation: ConversationRead) -> None:
    """A first part that comes late, after its draft was discarded, does not carry a later one along."""
    dead = await left_behind(chat, conversation.id, "A", " train")
    await chat.drafts.discard(conversation.id, dead.id)
    await left_behind(chat, conversation.id, "A", id=dead.id)

    with pytest.raises(DraftClosed):
        await dead.write(" to")
        await dead.flush()
    (draft,) = (await chat.drafts.page(conversation.id)).items
    assert draft.content == "A"


async def test_a_receiver_and_two_recoverers_at_once_make_one_message_of_what_was_sent(
    chat: UserChats, conversation: ConversationRead
) -> None:
    async def receive(reply: Draft) -> None:
        async with reply:
            for number in range(20):
                await reply.write(f"{number} ")
                await reply.flush()

    for number in range(40):
        reply = chat.drafts.begin(conversation.id)
        receiving = asyncio.create_task(receive(reply))
        await asyncio.sleep(0.0005 * number)
        recoverers = [chat.drafts.abort(conversation.id, reply.id) for _ in range(2)]
        await asyncio.gather(receiving, *recoverers, return_exceptions=True)

        assert reply.content.startswith((await chat.messages.get(reply.id)).content)
        assert (await chat.conversations.get(conversation.id)).message_count == number + 1
        assert (await chat.drafts.page(conversation.id)).items == []


async def test_what_comes_while_a_part_is_under_way_is_stored_with_the_next(
    migrated_database: str, chat: UserChats, conversation: ConversationRead
) -> None:
    relay = Relay(migrated_database, delay=0.1)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        mine = store.for_user(conversation.user_id)
        await mine.drafts.page(conversation.id)
        async with mine.drafts.begin(conversation.id, flush_seconds=SOON, flush_chars=10) as reply:
            await reply.write("x" * 10)
            await asyncio.sleep(0.05)
            await reply.write("y")
            await until(lambda: _equal(_stored_chars(chat, conversation.id), 11))


async def test_a_reply_longer_than_a_message_is_refused_and_what_there_is_is_kept(
    migrated_database: str, conversation: ConversationRead
) -> None:
    async with ChatStore(migrated_database, max_content_chars=10, max_json_chars=20) as store:
        short = store.for_user(conversation.user_id)
        for kept, given in (("x" * 10, {"text": "x"}), ("", {"native": "y" * 15})):
            with pytest.raises(InvalidInput) as raised:
                async with short.drafts.begin(conversation.id) as reply:
                    await reply.write(kept, native="y")
                    await reply.write(**given)
            assert [raised.value.field] == list(given)
            assert reply.message is not None
            assert (reply.message.content, reply.message.native) == (kept, ["y"])


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("conversation_id", {"conversation_id": "x"}),
        ("id", {"id": "x"}),
        ("metadata", {"metadata": [1]}),
        ("metadata.<key 1>", {"metadata": {"a": float("nan")}}),
        ("flush_seconds", {"flush_seconds": 0}),
        ("flush_seconds", {"flush_seconds": float("nan")}),
        ("flush_chars", {"flush_chars": 0}),
    ],
)
async def test_what_cannot_be_stored_in_the_end_is_refused_in_the_beginning(
    chat: UserChats, field: str, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as raised:
        chat.drafts.begin(**{"conversation_id": uuid4(), **given})

    assert raised.value.field == field


async def test_a_token_that_is_none_is_refused_and_the_rest_is_kept(
    chat: UserChats, conversation: ConversationRead
) -> None:
    nested: Any = []
    for _ in range(64):
        nested = [nested]
    bad: list[tuple[dict[str, Any], str]] = [
        ({"text": b"x"}, "text: must be a str"),
        ({"text": None}, "text: must be a str"),
        ({"text": "kept not", "native": nested}, "native: nested deeper than 64"),
    ]
    async with chat.drafts.begin(conversation.id) as reply:
        await reply.write("kept")
        for each, reason in bad:
            with pytest.raises(InvalidInput, match=reason):
                await reply.write(**each)
        with pytest.raises(InvalidInput):
            await reply.finish(metadata={"a": object()})
        with pytest.raises(InvalidInput):
            await reply.finish(token_count=-1)
        await reply.finish(metadata={"a": 1})

    assert await contents(chat, conversation.id) == [("kept", {"a": 1})]


async def test_what_is_discarded_while_a_part_is_under_way_leaves_nothing(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    for number in range(20):
        async with chat.drafts.begin(conversation.id, flush_chars=1) as reply:
            await reply.write("gone")
            for _ in range(number):
                await asyncio.sleep(0)
            await reply.discard()

    assert await parts(connection, conversation.id) == []


async def test_a_reply_that_breaks_off_and_cannot_be_stored_is_told_of_in_the_log(
    chat: UserChats, caplog: pytest.LogCaptureFixture
) -> None:
    id = uuid4()
    with pytest.raises(RuntimeError):
        async with chat.drafts.begin(id) as reply:
            await reply.write("secret")
            raise RuntimeError

    assert caplog.messages == [f"a reply that broke off is no message yet: ConversationNotFound: no conversation {id}"]


async def test_a_conversation_that_is_not_there_is_told_by_a_write(chat: UserChats) -> None:
    with pytest.raises(ConversationNotFound):
        async with chat.drafts.begin(uuid4(), flush_seconds=SOON) as reply:
            while True:
                await reply.write("on and on")
                await asyncio.sleep(0.01)
    with pytest.raises(ConversationNotFound):
        async with chat.drafts.begin(uuid4()) as reply:
            await reply.write("Hi")


async def test_with_the_conversation_its_drafts_go(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    other = await chat.conversations.create()
    gone = await left_behind(chat, conversation.id, "gone")
    await left_behind(chat, other.id, "erased")

    await chat.conversations.delete(conversation.id)
    assert await parts(connection, conversation.id) == []
    with pytest.raises(DraftClosed):
        await gone.write("more")
        await gone.flush()
    with pytest.raises(ConversationNotFound):
        await gone.finish()
    await chat.erase()
    assert await parts(connection, other.id) == []


async def test_a_rewind_does_not_touch_what_is_being_received(chat: UserChats, conversation: ConversationRead) -> None:
    await chat.messages.append(conversation.id, MessageCreate(role="user", content="Hi"))
    async with chat.drafts.begin(conversation.id) as reply:
        await reply.write("Hello")
        await reply.flush()
        await chat.messages.rewind(conversation.id, 0)
        assert len((await chat.drafts.page(conversation.id)).items) == 1

    assert await contents(chat, conversation.id) == [("Hello", None)]


async def test_drafts_are_paged_by_their_ids(chat: UserChats, conversation: ConversationRead) -> None:
    ids = sorted(uuid4() for _ in range(5))
    for id in ids:
        await left_behind(chat, conversation.id, "x", "y", id=id)
    assert (await chat.drafts.page(conversation.id)).next_cursor is None

    seen: list[UUID] = []
    cursor: str | None = None
    while cursor or not seen:
        page = await chat.drafts.page(conversation.id, 2, after=cursor)
        seen += [draft.id for draft in page.items]
        cursor = page.next_cursor
    assert seen == ids
    with pytest.raises(InvalidInput):
        await chat.drafts.page(uuid4(), after=(await chat.drafts.page(conversation.id, 2)).next_cursor)


async def test_an_operator_finds_the_drafts_of_all_users_that_are_quiet(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_persistence.quiet_drafts.READ_AT_ONCE", 2)
    async with new_migrated_database(database_url) as url, ChatStore(url) as store:
        left = []
        for number in range(5):
            chat = store.for_user(f"user-{number % 2}")
            conversation = await chat.conversations.create()
            left.append(await left_behind(chat, conversation.id, "A", " train"))
        found = [draft async for draft in store.drafts(quiet_seconds=0.001)]
        loud = [draft async for draft in store.drafts(quiet_seconds=60)]
        for draft in found:
            await store.for_user(draft.user_id).drafts.abort(draft.conversation_id, draft.id)
        after = [draft async for draft in store.drafts(quiet_seconds=0.001)]

    assert sorted(draft.id for draft in found) == sorted(draft.id for draft in left)
    assert [draft.user_id for draft in found] == ["user-0"] * 3 + ["user-1"] * 2
    assert {draft.content for draft in found} == {"A train"}
    assert loud == after == []


async def test_a_row_poisoned_by_hand_costs_its_column_only(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    dead = await left_behind(chat, conversation.id, "A train")
    await connection.execute("UPDATE drafts SET native = '{}' WHERE id = $1", dead.id)

    (draft,) = (await chat.drafts.page(conversation.id)).items
    message = await chat.drafts.finish(conversation.id, dead.id)

    assert (draft.content, draft.native, draft.unreadable) == ("A train", [], ("native",))
    assert (message.content, message.native) == ("A train", None)


async def test_fifty_replies_at_once_share_one_connection(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, pool_size=1) as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()

        async def receive(number: int) -> MessageRead:
            async with chat.drafts.begin(conversation.id, flush_seconds=0.05) as reply:
                for token in range(20):
                    await reply.write(f"{number}.{token} ")
                    await asyncio.sleep(0.01)
                return await reply.finish()

        async with asyncio.timeout(20):
            messages = await asyncio.gather(*map(receive, range(50)))

        assert [message.content.split()[-1] for message in messages] == [f"{number}.19" for number in range(50)]
        assert (await chat.conversations.get(conversation.id)).message_count == 50


class Leaving(Relay):
    """A relay whose server goes away for a while."""

    is_away = False

    async def connect(self) -> Stream:
        if self.is_away:
            raise OSError
        return await super().connect()

    def leave(self) -> None:
        self.is_away = True
        self.drop_all()


async def test_while_the_database_is_away_no_write_waits_and_nothing_is_lost(
    migrated_database: str, conversation: ConversationRead, chat: UserChats, caplog: pytest.LogCaptureFixture
) -> None:
    relay = Leaving(migrated_database)
    options: dict[str, Any] = {"flush_seconds": SOON, "flush_chars": 100}
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        mine = store.for_user(conversation.user_id)
        async with mine.drafts.begin(conversation.id, **options) as reply:
            await reply.write("before")
            await reply.flush()
            relay.leave()
            await reply.write(", during")
            with pytest.raises(StoreUnavailable):
                await reply.flush()
            async with asyncio.timeout(1):
                for _ in range(100):
                    await reply.write("." * 100)
            relay.is_away = False
            await reply.write(", after")
            await until(lambda: _equal(_stored_chars(chat, conversation.id), len(reply.content)))

    assert await contents(chat, conversation.id) == [("before, during" + "." * 10_000 + ", after", None)]
    (told,) = [record.getMessage() for record in caplog.records if record.name == "chat_persistence.draft_storing"]
    assert told.startswith("a part of a draft waits for the next one: StoreUnavailable: the connection to PostgreSQL")


@pytest.mark.parametrize("when", ["a part", "the message"])
async def test_what_was_stored_though_its_answer_was_lost_is_stored_once(
    migrated_database: str, conversation: ConversationRead, chat: UserChats, when: str
) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        mine = store.for_user(conversation.user_id)
        async with mine.drafts.begin(conversation.id, flush_seconds=NEVER) as reply:
            await reply.write("A train")
            relay.cut_next(b"INSERT INTO drafts" if when == "a part" else b"INSERT INTO messages")
            await reply.flush()
            await reply.write(" to Rome")
            await reply.flush()
            (draft,) = (await chat.drafts.page(conversation.id)).items
            assert (draft.content, draft.parts) == ("A train to Rome", 2)

    assert relay.cuts == 1
    assert await contents(chat, conversation.id) == [("A train to Rome", None)]


async def test_an_equal_part_that_is_being_stored_meanwhile_is_the_same(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    """As when the line was cut, and PostgreSQL still carries out what had come."""
    plant = "INSERT INTO drafts (user_id, conversation_id, id, part, content) VALUES ($1, $2, $3, 1, 'A train')"
    async with chat.drafts.begin(conversation.id) as reply:
        await reply.write("A train")
        async with connection.transaction():
            await connection.execute(plant, conversation.user_id, conversation.id, reply.id)
            flushing = asyncio.create_task(reply.flush())
            await asyncio.sleep(0.1)
            assert not flushing.done()
        await flushing
        await reply.write(" to Rome")
        await reply.flush()
        assert await parts(connection, conversation.id) == ["A train", " to Rome"]


async def test_a_reply_that_could_not_be_finished_is_finished_later(
    migrated_database: str, conversation: ConversationRead, chat: UserChats
) -> None:
    relay = Leaving(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        with pytest.raises(StoreUnavailable):
            async with store.for_user(conversation.user_id).drafts.begin(conversation.id) as reply:
                await reply.write("A train")
                await reply.flush()
                await reply.write(" to Rome")
                relay.leave()
                await reply.finish(metadata={"a": 1})
        (draft,) = (await chat.drafts.page(conversation.id)).items
        relay.is_away = False
        await reply.finish()

    assert draft.content == "A train"
    assert await contents(chat, conversation.id) == [("A train to Rome", {"a": 1})]


async def test_a_write_waits_for_a_slow_database_only_when_far_behind(
    migrated_database: str, conversation: ConversationRead
) -> None:
    relay = Relay(migrated_database, delay=0.2)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        chat = store.for_user(conversation.user_id)
        await chat.drafts.page(conversation.id)
        async with chat.drafts.begin(conversation.id, flush_chars=10) as reply:
            async with asyncio.timeout(0.1):
                for _ in range(PARTS_BEHIND - 1):
                    await reply.write("x" * 10)
            writing = asyncio.create_task(reply.write("y" * 10))
            assert not (await asyncio.wait((writing,), timeout=0.1))[0]
            writing.cancel()
            await asyncio.wait((writing,))

    assert reply.message is not None
    assert reply.message.content == "x" * 10 * (PARTS_BEHIND - 1) + "y" * 10


async def test_what_will_not_pass_is_raised_by_a_write(database_url: str, user_id: str) -> None:
    async with new_migrated_database(database_url) as url, ChatStore(url) as store:
        connection = await asyncpg.connect(url)
        await connection.execute("DROP TABLE drafts CASCADE; CREATE TABLE drafts AS SELECT 1 AS part")
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        with pytest.raises(SchemaMismatch):
            async with chat.drafts.begin(conversation.id, flush_seconds=SOON) as reply:
                while True:
                    await reply.write("x")
                    await asyncio.sleep(0.01)
        await connection.close()


async def test_a_reply_of_very_many_parts_is_stored_ever_less_often(
    chat: UserChats, conversation: ConversationRead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_persistence.draft_storing.PARTS_AT_ONE_PACE", 2)
    monkeypatch.setattr("chat_persistence.draft_parts.MAX_PARTS", 4)
    async with chat.drafts.begin(conversation.id, flush_seconds=NEVER, flush_chars=10) as reply:
        for _ in range(200):
            await reply.write("x")
            await asyncio.sleep(0.002)
        (draft,) = (await chat.drafts.page(conversation.id)).items

    assert (draft.parts, len(draft.content)) == (4, 10 + 10 + 20 + 20)
    assert await contents(chat, conversation.id) == [("x" * 200, None)]


async def _stored_chars(chat: UserChats, conversation_id: UUID) -> int:
    return sum(len(draft.content) for draft in (await chat.drafts.page(conversation_id)).items)
