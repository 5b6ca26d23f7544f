"""Whole conversations in bulk: what is stored, what is repeated, what is refused, and what it costs."""

import asyncio
import sys
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine

from chat_persistence import (
    ChatPersistenceError,
    ChatStore,
    ConversationLoad,
    ConversationRead,
    DatabaseFailure,
    InvalidInput,
    LoadProgress,
    MessageConflict,
    MessageCreate,
    MessageLoad,
    MessageRead,
    StoreClosed,
    ToolCall,
    UserChats,
)
from tests.integration.test_any_text import any_json, any_text

ROOT = Path(__file__).parents[2]
Held = tuple[ConversationLoad, Callable[[], Awaitable[None]]]

NOON = datetime(2020, 2, 2, 12, tzinfo=UTC)

DIALOGUE = [
    MessageCreate(role="assistant", native={"role": "system", "b": 1, "a": 1e23}),
    MessageCreate(role="user", content=" A train\nto \\Rome,\t please ", metadata={"n": 1e23, "e": "é\x00"}),
    MessageCreate(role="assistant", tool_calls=[ToolCall(id="c1", name="book", arguments='{"to": "Rome"}')]),
    MessageCreate(role="assistant", tool_calls=[ToolCall(id="c1", result=None, is_error=True)]),
    MessageCreate(role="assistant", content="\\N", token_count=7, native=[]),
]


def said(count: int) -> list[MessageCreate]:
    return [MessageCreate(role="user", content=f"message {number}") for number in range(count)]


def conversations(user_id: str, count: int, messages: int) -> list[ConversationLoad]:
    return [ConversationLoad(user_id=user_id, id=uuid4(), messages=said(messages)) for _ in range(count)]


def replace_messages(conversation: ConversationLoad, messages: list[MessageCreate]) -> ConversationLoad:
    return ConversationLoad(user_id=conversation.user_id, id=conversation.id, messages=messages)


async def history(chat: UserChats, id: UUID) -> list[MessageRead]:
    return [message async for message in chat.messages.iterate(id)]


async def lengths(connection: asyncpg.Connection, user_id: str) -> list[tuple[int, int]]:
    """Return what each of a user's conversations says of its messages, and how many there are."""
    rows = await connection.fetch(
        "SELECT message_count,"
        " (SELECT count(*) FROM messages AS m WHERE (m.user_id, m.conversation_id) = (c.user_id, c.id))"
        " FROM conversations AS c WHERE user_id = $1",
        user_id,
    )
    return [tuple(row) for row in rows]


@pytest.fixture
async def held(connection: asyncpg.Connection, user_id: str) -> Held:
    """A conversation which somebody else is about to store, and what lets go of it; a load waits until then."""
    (conversation,) = conversations(user_id, 1, 3)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("INSERT INTO conversations (user_id, id) VALUES ($1, $2)", user_id, conversation.id)
    return conversation, transaction.rollback


async def until_waiting(connection: asyncpg.Connection) -> int:
    """Return the process that waits for what this connection holds."""
    async with asyncio.timeout(5):
        while True:
            pid: int | None = await connection.fetchval(
                "SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if pid is not None:
                return pid
            await asyncio.sleep(0.01)


class TestWhatIsStored:
    async def test_it_is_what_an_append_would_have_stored(self, store: ChatStore, user_id: str) -> None:
        appended, loaded = store.for_user(user_id), store.for_user(f"{user_id}-loaded")
        created = await appended.conversations.create(metadata={"a": [1]})
        await appended.messages.append(created.id, *DIALOGUE)
        source = ConversationLoad(user_id=f"{user_id}-loaded", id=created.id, messages=DIALOGUE, metadata={"a": [1]})

        await store.load([source])

        assert [timeless(item) for item in (await loaded.conversations.page()).items] == [
            timeless(item) for item in (await appended.conversations.page()).items
        ]
        assert [timeless(message) for message in await history(loaded, created.id)] == [
            timeless(message) for message in await history(appended, created.id)
        ]

    async def test_what_is_known_of_a_conversation_is_kept(
        self, store: ChatStore, user_id: str, chat: UserChats
    ) -> None:
        source = ConversationLoad(
            user_id=user_id,
            id=uuid4(),
            title="Ünter\\way\t",
            metadata={"from": "elsewhere"},
            created_at=NOON,
            updated_at=NOON + timedelta(days=2),
            archived_at=NOON + timedelta(days=1),
        )

        await store.load([source])

        read = await chat.conversations.get(source.id)
        assert (read.title, read.metadata, read.last_position) == (source.title, source.metadata, 0)
        assert (read.created_at, read.updated_at, read.archived_at) == (
            source.created_at,
            source.updated_at,
            source.archived_at,
        )

    @given(
        content=any_text.filter(bool),
        native=any_json,
        metadata=st.dictionaries(any_text, any_json, max_size=3),
        result=any_json,
        arguments=any_text,
    )
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    async def test_any_text_and_any_json_come_back_equal(
        self, store: ChatStore, content: str, native: Any, metadata: dict[str, Any], result: Any, arguments: str
    ) -> None:
        calls = [ToolCall(id="c1", name="x", arguments=arguments), ToolCall(id="c1", result=result)]
        sent = MessageCreate(role="user", content=content, native=native, metadata=metadata, tool_calls=calls)
        source = ConversationLoad(user_id="any-text\t\\", id=uuid4(), messages=[sent, *said(1)], metadata=metadata)

        await store.load([source])

        chat = store.for_user(source.user_id)
        read, following = await chat.messages.last(source.id)
        assert (read.content, read.native, read.metadata) == (content, native, metadata)
        assert (read.tool_calls, read.unreadable, following.content) == (calls, (), "message 0")
        assert (await chat.conversations.get(source.id)).metadata == metadata

    async def test_an_append_goes_on_where_the_load_ended(
        self, store: ChatStore, user_id: str, chat: UserChats
    ) -> None:
        (source,) = conversations(user_id, 1, 3)
        await store.load([source])

        (appended,) = await chat.messages.append(source.id, *said(1))

        messages = await chat.messages.last(source.id)
        assert [message.position for message in messages] == [1, 2, 3, 4]
        assert messages[2].created_at <= appended.created_at

    async def test_the_tables_may_be_in_a_schema_of_their_own(self, empty_database: str) -> None:
        source = ConversationLoad(user_id="ada", id=uuid4(), messages=DIALOGUE)
        async with ChatStore(empty_database, schema="Chats of ours") as store:
            await store.migrate()

            await store.load([source])

            assert len(await store.for_user("ada").messages.last(source.id)) == len(DIALOGUE)

    async def test_a_hosts_engine_and_its_own_codecs_change_nothing(
        self, migrated_database: str, user_id: str, chat: UserChats
    ) -> None:
        engine = create_async_engine(
            migrated_database.replace("postgresql:", "postgresql+asyncpg:"),
            json_serializer=lambda value: '"of the host"',
            json_deserializer=lambda text: "of the host",
        )
        source = ConversationLoad(user_id=user_id, id=uuid4(), messages=DIALOGUE)
        async with ChatStore(engine=engine) as store:
            await store.load([source])
        await engine.dispose()

        assert [message.native for message in await history(chat, source.id)] == [item.native for item in DIALOGUE]

    async def test_a_pooler_that_keeps_no_statements_is_no_hindrance(
        self, migrated_database: str, user_id: str, chat: UserChats
    ) -> None:
        async with ChatStore(migrated_database, profile="pgbouncer") as store:
            for source in conversations(user_id, 2, 2):
                await store.load([source])

        assert [item.message_count for item in (await chat.conversations.page()).items] == [2, 2]


class TestTimes:
    async def load(self, store: ChatStore, source: ConversationLoad) -> tuple[ConversationRead, list[datetime]]:
        chat = store.for_user(source.user_id)
        await store.load([source])
        messages = await history(chat, source.id)
        return await chat.conversations.get(source.id), [message.created_at for message in messages]

    async def test_those_of_the_messages_are_kept_and_those_of_the_conversation_follow(
        self, store: ChatStore, user_id: str
    ) -> None:
        paris = timezone(timedelta(hours=1))
        times = [NOON, NOON + timedelta(microseconds=1), (NOON + timedelta(hours=1)).astimezone(paris)]
        messages = [MessageLoad(role="user", content="x", created_at=time) for time in times]

        conversation, stored = await self.load(store, ConversationLoad(user_id=user_id, id=uuid4(), messages=messages))

        assert stored == times
        assert (conversation.created_at, conversation.updated_at) == (times[0], times[-1])

    async def test_one_that_runs_backwards_or_is_absent_is_that_of_the_message_before(
        self, store: ChatStore, user_id: str
    ) -> None:
        late, early = NOON + timedelta(hours=1), NOON
        messages = [MessageLoad(role="user", content="x", created_at=time) for time in (None, late, early, None)]
        source = ConversationLoad(user_id=user_id, id=uuid4(), messages=messages, created_at=NOON, updated_at=NOON)

        conversation, stored = await self.load(store, source)

        assert stored == [NOON, late, late, late]
        assert (conversation.created_at, conversation.updated_at) == (NOON, late)

    async def test_without_any_it_is_the_servers_moment_of_the_load(
        self, store: ChatStore, user_id: str, connection: asyncpg.Connection
    ) -> None:
        before = await connection.fetchval("SELECT now()")

        conversation, stored = await self.load(store, ConversationLoad(user_id=user_id, id=uuid4(), messages=said(2)))

        assert before <= stored[0] == stored[1] == conversation.created_at == conversation.updated_at

    @pytest.mark.parametrize("time", [datetime(2020, 2, 2), datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))])
    def test_one_without_a_zone_or_before_the_calendar_is_refused(self, time: datetime) -> None:
        with pytest.raises(ValidationError):
            MessageLoad(role="user", content="x", created_at=time)


class TestPlaces:
    """Positions, the last of them, and lineage: as they were elsewhere."""

    async def load(self, store: ChatStore, user_id: str, positions: list[int | None], **given: Any) -> list[int]:
        messages = [MessageLoad(role="user", content="x", position=position) for position in positions]
        source = ConversationLoad(user_id=user_id, id=uuid4(), messages=messages, **given)
        await store.load([source])
        chat = store.for_user(user_id)
        last_position = (await chat.conversations.get(source.id)).last_position
        return [*(message.position for message in await history(chat, source.id)), last_position]

    @pytest.mark.parametrize(
        ("positions", "last_position", "stored"),
        [
            ([1, 4], None, [1, 4, 4]),
            ([1, 4], 9, [1, 4, 9]),
            ([None, 4, None], None, [1, 4, 5, 5]),
            ([], 3, [3]),
            ([], None, [0]),
            ([2**31 - 1], 2**31 - 1, [2**31 - 1, 2**31 - 1]),
        ],
    )
    async def test_positions_are_kept_and_others_follow_on(
        self,
        store: ChatStore,
        user_id: str,
        positions: list[int | None],
        last_position: int | None,
        stored: list[int],
    ) -> None:
        assert await self.load(store, user_id, positions, last_position=last_position) == stored

    @pytest.mark.parametrize(
        ("positions", "last_position", "field"),
        [
            ([2, 2], None, "messages[1].position"),
            ([2, 3, 1], None, "messages[2].position"),
            ([2, 3], 2, "last_position"),
            ([2**31 - 1, None], None, "last_position"),
        ],
    )
    async def test_positions_that_run_backwards_or_out_are_refused(
        self, store: ChatStore, user_id: str, positions: list[int | None], last_position: int | None, field: str
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            await self.load(store, user_id, positions, last_position=last_position)

        assert caught.value.field == f"conversations[0].{field}"

    @pytest.mark.parametrize("position", [0, -1, 2**31, True, 1.0])
    def test_what_is_no_position_is_refused(self, position: Any) -> None:
        with pytest.raises(ValidationError):
            MessageLoad(role="user", content="x", position=position)

    async def test_an_append_goes_on_after_the_last_position(
        self, store: ChatStore, user_id: str, chat: UserChats
    ) -> None:
        source = ConversationLoad(user_id=user_id, id=uuid4(), messages=said(1), last_position=7)
        await store.load([source])

        (appended,) = await chat.messages.append(source.id, *said(1))

        assert appended.position == 8

    async def test_lineage_is_kept(self, store: ChatStore, user_id: str, chat: UserChats) -> None:
        source = ConversationLoad(user_id=user_id, id=uuid4(), forked_from=UUID(int=7), forked_position=3)
        await store.load([source])

        read = await chat.conversations.get(source.id)

        assert (read.forked_from, read.forked_position) == (UUID(int=7), 3)

    @pytest.mark.parametrize("half", [{"forked_from": UUID(int=7)}, {"forked_position": 3}])
    def test_half_a_lineage_is_refused(self, half: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            ConversationLoad(user_id="ada", id=uuid4(), **half)

    async def test_no_title_is_cut_where_there_was_none(self, store: ChatStore, user_id: str, chat: UserChats) -> None:
        source = ConversationLoad(user_id=user_id, id=uuid4(), messages=said(1), cut_title=False)
        await store.load([source])

        assert (await chat.conversations.get(source.id)).title is None


class TestAgain:
    async def test_what_is_there_stays_as_it_is(self, store: ChatStore, user_id: str, chat: UserChats) -> None:
        first, second = conversations(user_id, 2, 3)
        await store.load([first])
        await chat.conversations.rename(first.id, "mine")
        before = await history(chat, first.id)

        progress = await store.load([first, second, second])

        assert progress == LoadProgress(conversations_stored=1, messages_stored=3, conversations_present=2)
        assert (await chat.conversations.get(first.id)).title == "mine"
        assert await history(chat, first.id) == before
        assert len(await history(chat, second.id)) == 3

    async def test_two_loads_of_the_same_at_once_store_it_once(
        self, store: ChatStore, user_id: str, connection: asyncpg.Connection
    ) -> None:
        sources = conversations(user_id, 40, 5)

        both = await asyncio.gather(store.load(sources), store.load(sources[::-1]))

        assert sum(progress.conversations_stored for progress in both) == 40
        assert sum(progress.conversations_present for progress in both) == 40
        assert await lengths(connection, user_id) == [(5, 5)] * 40

    async def test_a_lost_connection_is_tried_again(
        self,
        store: ChatStore,
        connection: asyncpg.Connection,
        held: Held,
    ) -> None:
        source, release = held
        loading = asyncio.create_task(store.load([source, *conversations(source.user_id, 3, 3)]))
        await connection.execute("SELECT pg_terminate_backend($1)", await until_waiting(connection))
        await release()

        assert await loading == LoadProgress(conversations_stored=4, messages_stored=12)
        assert await lengths(connection, source.user_id) == [(3, 3)] * 4

    async def test_after_the_process_was_killed_each_conversation_is_whole_or_absent(
        self, migrated_database: str, store: ChatStore, user_id: str, connection: asyncpg.Connection
    ) -> None:
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, migrated_database, user_id, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert program.stdout is not None
        reported = int(await program.stdout.readline())
        program.kill()
        await program.communicate()

        found = await lengths(connection, user_id)
        again = await store.load(killed_input(user_id))

        assert 0 < reported <= len(found) < KILLED_CONVERSATIONS
        assert set(found) == {(200, 200)}
        assert again.conversations_present >= len(found)
        assert await lengths(connection, user_id) == [(200, 200)] * KILLED_CONVERSATIONS


KILLED_CONVERSATIONS = 250
KILLED = """
import asyncio, sys
from chat_persistence import ChatStore
from tests.integration.test_loading import killed_input

async def main(url, user_id):
    async with ChatStore(url) as store:
        await store.load(killed_input(user_id), on_progress=lambda at: print(at.conversations_stored, flush=True))

asyncio.run(main(*sys.argv[1:]))
"""


def killed_input(user_id: str) -> Iterator[ConversationLoad]:
    for number in range(KILLED_CONVERSATIONS):
        yield ConversationLoad(user_id=user_id, id=UUID(int=number), messages=said(200))


class TestRefusals:
    async def test_an_id_that_is_stored_in_another_conversation_refuses_that_conversation_only(
        self, store: ChatStore, user_id: str, chat: UserChats, conversation: ConversationRead
    ) -> None:
        taken, free = said(2)
        await chat.messages.append(conversation.id, taken)
        first, second, *others = conversations(user_id, 9, 2)
        refused = ConversationLoad(user_id=user_id, id=uuid4(), messages=[free, taken])
        elsewhere = ConversationLoad(user_id=f"{user_id}-else", id=uuid4(), messages=[taken])

        with pytest.raises(MessageConflict) as caught:
            await store.load([first, second, *others, elsewhere, refused, *conversations(user_id, 5, 2)])

        assert (caught.value.conversation_id, caught.value.message_ids) == (refused.id, (taken.id,))
        ids = {item.id for item in (await chat.conversations.page()).items}
        assert ids >= {first.id, second.id, conversation.id}
        assert refused.id not in ids

    @pytest.mark.parametrize(
        ("bad", "field"),
        [
            ({"user_id": ""}, ".user_id"),
            ({"user_id": "\ud800"}, ".user_id"),
            ({"metadata": {"a": float("nan")}}, ".metadata.<key 1>"),
            ({"messages": [*said(2), MessageCreate(role="user", native={"a": (1,)})]}, ".messages[2].native.<key 1>"),
            ({"messages": [MessageCreate(role="user", content="x" * 1_000_001)]}, ".messages[0].content"),
            ({"messages": said(1) * 2}, ".messages"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_what_cannot_be_stored_is_named_and_nothing_of_its_batch_is_stored(
        self, store: ChatStore, user_id: str, chat: UserChats, bad: dict[str, Any], field: str
    ) -> None:
        good = conversations(user_id, 2, 2)
        source = ConversationLoad(**{"user_id": user_id, "id": uuid4(), **bad})

        with pytest.raises(InvalidInput) as caught:
            await store.load([*good, source])

        assert caught.value.field == f"conversations[2]{field}"
        assert (await chat.conversations.page()).items == []

    async def test_who_wants_to_be_told_of_them_has_all_others_stored(
        self, store: ChatStore, user_id: str, chat: UserChats
    ) -> None:
        told: list[tuple[int, ChatPersistenceError]] = []
        first, second, *good = conversations(user_id, 5, 2)
        too_long = replace_messages(first, [MessageCreate(role="user", content="x" * 1_000_001)])
        taken = replace_messages(second, list(good[0].messages))

        progress = await store.load(
            [good[0], too_long, taken, *good[1:]], on_refused=lambda index, error: told.append((index, error))
        )

        assert [(index, type(error)) for index, error in told] == [(1, InvalidInput), (2, MessageConflict)]
        assert progress == LoadProgress(3, 6, 0)
        assert {item.id for item in (await chat.conversations.page()).items} == {each.id for each in good}

    async def test_the_same_id_in_two_conversations_refuses_the_second(
        self, store: ChatStore, user_id: str, chat: UserChats
    ) -> None:
        messages = said(2)
        first, second = (ConversationLoad(user_id=user_id, id=uuid4(), messages=messages) for _ in range(2))

        with pytest.raises(MessageConflict) as caught:
            await store.load([first, second])

        assert caught.value.conversation_id == second.id
        assert [item.id for item in (await chat.conversations.page()).items] == [first.id]

    async def test_a_role_that_row_level_security_binds_is_refused_at_once(
        self, empty_database: str, user_id: str
    ) -> None:
        async with ChatStore(empty_database) as store:
            await store.migrate()
        connection = await asyncpg.connect(empty_database)
        await connection.execute(f'CREATE ROLE "{user_id}"; GRANT ALL ON conversations, messages TO "{user_id}"')
        await connection.execute("ALTER TABLE messages ENABLE ROW LEVEL SECURITY")
        engine = create_async_engine(
            empty_database.replace("postgresql:", "postgresql+asyncpg:"),
            connect_args={"server_settings": {"role": user_id}},
        )

        async with ChatStore(engine=engine) as store:
            with pytest.raises(DatabaseFailure) as caught:
                await store.load(conversations(user_id, 2, 2))
            found = await lengths(connection, user_id)
        await engine.dispose()
        await connection.execute(f'DROP OWNED BY "{user_id}"; DROP ROLE "{user_id}"')
        await connection.close()

        assert (caught.value.sqlstate, found) == ("0A000", [])

    async def test_what_is_no_conversation_is_named_too(self, store: ChatStore) -> None:
        wrong: Any = {"user_id": "ada"}

        with pytest.raises(InvalidInput) as caught:
            await store.load([wrong])

        assert caught.value.field == "conversations[0]"

    async def test_an_input_that_breaks_off_leaves_what_was_read_in_full_batches(
        self, store: ChatStore, user_id: str, connection: asyncpg.Connection
    ) -> None:
        async def breaking() -> AsyncIterator[ConversationLoad]:
            for conversation in conversations(user_id, 130, 100):
                yield conversation
            raise LookupError

        with pytest.raises(LookupError):
            await store.load(breaking())

        assert await lengths(connection, user_id) == [(100, 100)] * 100

    async def test_a_closed_store_loads_nothing(self, migrated_database: str) -> None:
        store = ChatStore(migrated_database)

        with pytest.raises(StoreClosed):
            await store.load([])


class TestCancellation:
    async def test_a_cancelled_caller_leaves_at_once_and_the_connection_comes_back(
        self, migrated_database: str, connection: asyncpg.Connection, held: Held
    ) -> None:
        source, release = held
        async with ChatStore(migrated_database, pool_size=1) as store:
            loading = asyncio.create_task(store.load([*conversations(source.user_id, 3, 3), source]))
            await until_waiting(connection)

            loading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(loading, 0.1)
            await release()

            assert (await store.for_user(source.user_id).conversations.page()).items == []
            assert (await store.load([source])).conversations_stored == 1

    async def test_whenever_it_comes_each_conversation_is_whole_or_absent(
        self, store: ChatStore, user_id: str, connection: asyncpg.Connection
    ) -> None:
        sources = conversations(user_id, 60, 10)
        for delay in range(12):
            loading = asyncio.create_task(store.load(sources))
            await asyncio.sleep(delay * 0.002)
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)

        await store.load(sources)

        assert await lengths(connection, user_id) == [(10, 10)] * 60


class TestCost:
    async def test_progress_adds_up(self, store: ChatStore, user_id: str) -> None:
        sources = conversations(user_id, 60, 500)
        reported: list[LoadProgress] = []

        total = await store.load(sources, on_progress=reported.append)

        assert total == reported[-1] == LoadProgress(conversations_stored=60, messages_stored=30_000)
        assert [at.messages_stored for at in reported] == [10_000, 20_000, 30_000]

    async def test_nothing_to_load_is_no_progress(self, store: ChatStore) -> None:
        reported: list[LoadProgress] = []

        assert await store.load([], on_progress=reported.append) == LoadProgress()
        assert reported == []

    async def test_a_hundred_thousand_messages_take_no_more_memory_than_two_batches(
        self, store: ChatStore, user_id: str
    ) -> None:
        messages = said(100)

        def source() -> Iterator[ConversationLoad]:
            for number in range(1_000):
                yield ConversationLoad(user_id=f"{user_id}-{number}", id=uuid4(), messages=messages)

        tracemalloc.start()
        try:
            progress = await store.load(source())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        print(f"loading 100,000 messages: {peak / 1e6:.1f} MB at its peak")
        assert progress.messages_stored == 100_000
        assert peak < 10_000_000


def timeless(record: Any) -> Any:
    """Return a record without what two ways of storing it may have different."""
    times = {name: NOON for name in ("created_at", "updated_at") if hasattr(record, name)}
    return replace(record, user_id="", **times)
