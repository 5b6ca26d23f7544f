"""Exports: what is in them, what they are imported as, and who writes, rewinds or breaks off meanwhile."""

import asyncio
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ConversationRead,
    Encryption,
    EncryptionKeyMissing,
    ExportProgress,
    InsufficientPrivilege,
    InvalidInput,
    KeyRing,
    MessageCreate,
    MessageLoad,
    MessageRead,
    StoreClosed,
    ToolCall,
    UserChats,
)
from chat_persistence.transfer import NDJSON, BadRecord, FileSource, export_file, import_conversations
from chat_persistence.transfer.records import Record
from tests.integration.test_any_text import any_json, any_text
from tests.roles import new_walled_database
from tests.servers import new_migrated_database

NOON = datetime(2020, 2, 2, 12, tzinfo=UTC)


def encryption(**options: Any) -> Encryption:
    return Encryption(KeyRing({"2026": bytes(32)}, "2026"), **options)


def said(count: int) -> list[MessageCreate]:
    return [MessageCreate(role="user", content=f"message {number}") for number in range(count)]


async def exported(store: ChatStore, user_id: str | None = None, **options: Any) -> bytes:
    return b"".join([piece async for piece in store.export(user_id, **options)])


def lines_of(export: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export.splitlines()]


def records_of(export: bytes) -> list[Record]:
    return list(NDJSON().records(io.BytesIO(export)))


async def import_all(store: ChatStore, export: bytes) -> None:
    records = records_of(export)
    assert not [record for record in records if isinstance(record, BadRecord)]
    await store.load(record.conversation for record in records if not isinstance(record, BadRecord))


async def everything(chat: UserChats) -> list[tuple[ConversationRead, list[MessageRead]]]:
    """Return all conversations of a user as the library reads them."""
    conversations = [
        conversation
        for archived in (False, True)
        for conversation in (await chat.conversations.page(1000, archived=archived)).items
    ]
    return [
        (conversation, [message async for message in chat.messages.iterate(conversation.id)])
        for conversation in conversations
    ]


@pytest.fixture(scope="module")
async def migrated_database(database_url: str) -> AsyncIterator[str]:
    """A database whose keys other tests do not rotate."""
    async with new_migrated_database(database_url) as url:
        yield url


@pytest.fixture(scope="module")
async def store(migrated_database: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(migrated_database) as store:
        yield store


@pytest.fixture(scope="module")
async def elsewhere(database_url: str) -> AsyncIterator[ChatStore]:
    """A store at another database."""
    async with new_migrated_database(database_url) as url, ChatStore(url) as store:
        yield store


moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
objects = st.dictionaries(any_text, any_json, max_size=3)
calls = st.builds(
    lambda name, arguments, result, is_error: [
        ToolCall(id="c1", name=name, arguments=arguments),
        ToolCall(id="c1", result=result, is_error=is_error),
    ],
    st.just("book"),
    any_text,
    any_json,
    st.booleans(),
)


@st.composite
def messages(draw: st.DrawFn) -> list[MessageLoad]:
    """Messages at positions with gaps, at times that do not decrease."""
    positions = sorted(draw(st.sets(st.integers(1, 50), max_size=4)))
    times = sorted(draw(st.lists(moments, min_size=len(positions), max_size=len(positions))))
    return [
        MessageLoad(
            id=draw(st.uuids()),
            role=draw(st.sampled_from(["user", "assistant"])),
            content=draw(any_text.filter(bool)),
            tool_calls=draw(st.just([]) | calls),
            native=draw(any_json),
            metadata=draw(st.none() | objects),
            token_count=draw(st.none() | st.integers(0, 2**31 - 1)),
            created_at=time,
            position=position,
        )
        for position, time in zip(positions, times, strict=True)
    ]


@st.composite
def conversations(draw: st.DrawFn) -> ConversationLoad:
    origin = draw(st.none() | st.tuples(st.uuids(), st.integers(0, 9)))
    return ConversationLoad(
        user_id=draw(st.sampled_from(["ada", "Ünter\\way\ufdd00000", "{%}\n$1"])),
        id=draw(st.uuids()),
        title=draw(st.none() | st.sampled_from(["Rome", '\ufdd00000 "\\\t'])),
        messages=draw(messages()),
        metadata=draw(objects),
        created_at=draw(st.none() | moments),
        updated_at=draw(st.none() | moments),
        archived_at=draw(st.none() | moments),
        last_position=draw(st.none() | st.integers(50, 60)),
        forked_from=origin and origin[0],
        forked_position=None if origin is None else origin[1],
        cut_title=draw(st.booleans()),
    )


class TestThereAndBack:
    @given(sources=st.lists(conversations(), max_size=4, unique_by=lambda source: source.id.int))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    async def test_an_export_is_imported_as_it_was_and_exported_again_to_the_byte(
        self, empty_stores: tuple[ChatStore, ChatStore], sources: list[ConversationLoad]
    ) -> None:
        here, there = empty_stores
        try:
            await here.load(without_ids_that_meet(sources))
            export = await exported(here)
            await import_all(there, export)

            assert await exported(there) == export
            for user_id in await here.users():
                assert await everything(there.for_user(user_id)) == await everything(here.for_user(user_id))
                assert await exported(there, user_id) == await exported(here, user_id)
        finally:
            for store in empty_stores:
                for user_id in await store.users():
                    await store.for_user(user_id).erase()

    async def test_what_the_library_has_written_itself_is_the_same_afterwards(
        self, store: ChatStore, elsewhere: ChatStore, user_id: str, chat: UserChats
    ) -> None:
        """Gaps after rewinds, a title that was taken away, an archived one, one without messages."""
        first, second, _ = [await chat.conversations.create(metadata={"a": [1e23, "\x00"]}) for _ in range(3)]
        for conversation in (first, second):
            await chat.messages.append(conversation.id, *said(3))
            await chat.messages.rewind(conversation.id, 1)
        await chat.messages.append(first.id, MessageCreate(role="assistant", native={"b": 1e23, "a": -0.0}))
        await chat.conversations.rename(first.id, None)
        await chat.conversations.archive(second.id)
        export = await exported(store, user_id)

        await import_all(elsewhere, export)

        assert await everything(elsewhere.for_user(user_id)) == await everything(chat)
        assert await exported(elsewhere, user_id) == export
        positions = [line["message"]["position"] for line in lines_of(export) if "message" in line]
        assert positions == [1, 5, 1]

    async def test_an_import_may_be_repeated(
        self, store: ChatStore, elsewhere: ChatStore, user_id: str, chat: UserChats, tmp_path: Path
    ) -> None:
        await chat.messages.append(uuid4(), *said(2), create_conversation=True)
        await export_file(store, tmp_path / "chats.ndjson", user_id)
        source = FileSource(tmp_path / "chats.ndjson", NDJSON())

        reports = [await import_conversations(elsewhere, source) for _ in range(2)]

        assert [(report.conversations_stored, report.conversations_present) for report in reports] == [(1, 0), (0, 1)]

    async def test_json_that_was_written_by_hand_over_several_lines_is_one_line(
        self, store: ChatStore, user_id: str, chat: UserChats, connection: asyncpg.Connection
    ) -> None:
        (message,) = await chat.messages.append(uuid4(), *said(1), create_conversation=True)
        await connection.execute(
            "UPDATE messages SET native = $1::text::json WHERE id = $2", '{\r\n\t"b": [1,\n2], "a": "\\n"}', message.id
        )

        assert lines_of(await exported(store, user_id))[2]["message"]["native"] == {"b": [1, 2], "a": "\n"}


@pytest.fixture(scope="module")
async def empty_stores(database_url: str) -> AsyncIterator[tuple[ChatStore, ChatStore]]:
    """Two stores where nobody has anything."""
    async with (
        new_migrated_database(database_url) as here,
        new_migrated_database(database_url) as there,
        ChatStore(here) as one,
        ChatStore(there) as other,
    ):
        yield one, other


def without_ids_that_meet(sources: list[ConversationLoad]) -> Iterator[ConversationLoad]:
    """Yield those whose messages have no id of another's."""
    seen: set[UUID] = set()
    for source in sources:
        ids = {message.id for message in source.messages}
        if len(ids) == len(source.messages) and not ids & seen:
            seen |= ids
            yield source


class TestPages:
    async def test_they_are_in_the_order_of_the_keys_and_leave_out_no_id(
        self, empty_stores: tuple[ChatStore, ChatStore]
    ) -> None:
        """Across the bounds of a page, in conversations and in messages."""
        store, _ = empty_stores
        ids = [UUID(int=0), *(UUID(int=number) for number in range(1, 1_200)), UUID(int=2**128 - 1)]
        sizes = {UUID(int=5): 6_000, UUID(int=6): 4_999, UUID(int=7): 1, UUID(int=8): 1, ids[-1]: 3}
        sources = [ConversationLoad(user_id="ada", id=id, messages=said(sizes.get(id, 0))) for id in ids]
        await store.load([*reversed(sources), ConversationLoad(user_id="eve", id=UUID(int=0))])
        told: list[ExportProgress] = []

        everybody = lines_of(await exported(store, on_progress=told.append))
        ada = lines_of(await exported(store, "ada"))
        for user_id in await store.users():
            await store.for_user(user_id).erase()

        keys = [
            (each["conversation"]["user_id"], UUID(each["conversation"]["id"]))
            for each in everybody
            if "conversation" in each
        ]
        assert keys == [*(("ada", id) for id in ids), ("eve", UUID(int=0))]
        assert everybody[-1] == {"end": {"conversations": 1_202, "messages": 11_004}}
        assert ada[1:-1] == everybody[1:-2]
        assert [progress.messages for progress in told] == [6_000, 11_000, 11_001, 11_001, 11_004]
        assert told[-1] == ExportProgress(1_202, 11_004, "eve", UUID(int=0))

    async def test_one_goes_on_after_what_it_was_told(self, store: ChatStore, user_id: str) -> None:
        await store.load(ConversationLoad(user_id=user_id, id=uuid4(), messages=said(1)) for _ in range(1_100))
        told: list[ExportProgress] = []
        whole = await exported(store, user_id, on_progress=told.append)

        rests = [await exported(store, user_id, after=progress) for progress in told]

        assert [progress.conversations for progress in told] == [500, 1_000, 1_100]
        assert all(whole.endswith(rest) for rest in rests)
        assert [len(lines_of(rest)) for rest in rests] == [1_201, 201, 1]

    async def test_of_a_user_who_has_nothing_it_has_two_lines(self, store: ChatStore, user_id: str) -> None:
        assert lines_of(await exported(store, user_id)) == [
            {"format": "chat_persistence", "version": 1, "user_id": user_id},
            {"end": {"conversations": 0, "messages": 0}},
        ]

    async def test_the_time_zone_of_a_session_changes_nothing(
        self, store: ChatStore, migrated_database: str, user_id: str, chat: UserChats, connection: asyncpg.Connection
    ) -> None:
        await chat.messages.append(uuid4(), *said(1), create_conversation=True)
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu'")
        try:
            async with ChatStore(migrated_database) as other:
                assert await exported(other, user_id) == await exported(store, user_id)
        finally:
            await connection.execute(f"ALTER DATABASE {name} RESET timezone")

    @pytest.mark.parametrize("options", [{"profile": "pgbouncer"}, {"pool_size": 1}])
    async def test_a_pooler_and_a_pool_of_one_are_no_hindrance(
        self, migrated_database: str, user_id: str, chat: UserChats, options: dict[str, Any]
    ) -> None:
        await chat.messages.append(uuid4(), *said(1), create_conversation=True)

        async with ChatStore(migrated_database, **options) as store:
            async for _ in store.export(user_id):
                await store.for_user(user_id).conversations.page()  # no connection is held meanwhile
            assert len(lines_of(await exported(store, user_id))) == 4

    async def test_the_tables_may_be_in_a_schema_of_their_own(self, empty_database: str) -> None:
        async with ChatStore(empty_database, schema="Chats of ours, 'for' $1 \"a\"") as store:
            await store.migrate()
            await store.for_user("ada").messages.append(uuid4(), *said(1), create_conversation=True)

            assert len(lines_of(await exported(store))) == len(lines_of(await exported(store, "ada"))) == 4


class TestWhoseItIs:
    async def test_somebody_elses_rows_of_the_same_ids_are_not_in_it(self, store: ChatStore, user_id: str) -> None:
        id, message = uuid4(), MessageCreate(role="user", content="mine")
        neighbour = store.for_user(f"{user_id}-neighbour")
        await store.for_user(user_id).messages.append(id, message, create_conversation=True)
        await neighbour.messages.append(id, message, *said(3), create_conversation=True)

        export = await exported(store, user_id)

        assert len(lines_of(export)) == 4
        assert b"neighbour" not in export

    async def test_under_row_level_security_a_user_exports_what_is_hers_and_an_operator_everything(
        self, database_url: str
    ) -> None:
        async with new_walled_database(database_url) as walled:
            async with ChatStore(walled.application, row_level_security=True) as store:
                for user_id in ("ada", "eve"):
                    await store.for_user(user_id).messages.append(uuid4(), *said(2), create_conversation=True)
                hers = await exported(store, "ada")
                with pytest.raises(InsufficientPrivilege):
                    await exported(store)
            async with ChatStore(walled.maintenance) as store:
                everybodys = await exported(store)

        assert lines_of(hers)[-1] == {"end": {"conversations": 1, "messages": 2}}
        assert lines_of(everybodys)[-1] == {"end": {"conversations": 2, "messages": 4}}

    @pytest.mark.parametrize("user_id", ["", "\ud800", "x" * 256])
    async def test_whose_id_cannot_be_is_refused(self, store: ChatStore, user_id: str) -> None:
        with pytest.raises(InvalidInput):
            await exported(store, user_id)


class TestMeanwhile:
    async def test_each_conversation_is_whole_whoever_appends_and_rewinds(
        self, store: ChatStore, user_id: str, chat: UserChats
    ) -> None:
        ids = [uuid4() for _ in range(10)]
        is_over = asyncio.Event()

        async def write(id: UUID) -> None:
            while not is_over.is_set():
                appended = await chat.messages.append(id, *said(40), create_conversation=True)
                await chat.messages.rewind(id, appended[0].position)

        writing = [asyncio.create_task(write(id)) for id in ids]
        exports = [await exported(store, user_id) for _ in range(20)]
        is_over.set()
        await asyncio.gather(*writing)

        records = [record for export in exports for record in records_of(export)]
        assert len(records) > 100
        assert not [record for record in records if isinstance(record, BadRecord)]

    async def test_a_reader_who_leaves_gives_the_connection_back(self, migrated_database: str, user_id: str) -> None:
        async with ChatStore(migrated_database, pool_size=1) as store:
            await store.load([ConversationLoad(user_id=user_id, id=uuid4(), messages=said(20_000))])
            pieces = store.export(user_id)
            await anext(pieces)
            await anext(pieces)
            await pieces.aclose()
            for delay in range(8):
                reading = asyncio.create_task(exported(store, user_id))
                await asyncio.sleep(delay * 0.01)
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

            assert len(lines_of(await exported(store, user_id))) == 20_003

    async def test_a_lost_connection_is_tried_again(
        self, migrated_database: str, user_id: str, chat: UserChats, connection: asyncpg.Connection
    ) -> None:
        await chat.messages.append(uuid4(), *said(2), create_conversation=True)
        async with ChatStore(migrated_database, pool_size=1) as store:
            before = await exported(store, user_id)
            async with connection.transaction():
                await connection.execute("LOCK TABLE messages")
                reading = asyncio.create_task(exported(store, user_id))
                await connection.execute("SELECT pg_terminate_backend($1)", await until_waiting(connection))

            assert await reading == before

    async def test_a_closed_store_exports_nothing(self, migrated_database: str) -> None:
        with pytest.raises(StoreClosed):
            await exported(ChatStore(migrated_database))


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


class TestFilesThatAreNotWhole:
    @pytest.fixture
    async def export(self, store: ChatStore, user_id: str) -> bytes:
        await store.load(ConversationLoad(user_id=user_id, id=UUID(int=n), messages=said(2)) for n in range(3))
        return await exported(store, user_id)

    def told(self, lines: Sequence[bytes]) -> tuple[list[int], list[str]]:
        """Return which conversations are found in lines, and the places of what is bad."""
        records = records_of(b"".join(lines))
        return (
            [record.conversation.id.int for record in records if not isinstance(record, BadRecord)],
            [record.place for record in records if isinstance(record, BadRecord)],
        )

    def test_wherever_one_is_cut_off_nothing_of_a_conversation_is_found_that_is_not_whole(self, export: bytes) -> None:
        whole = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
        for cut in range(len(export)):
            records = records_of(export[:cut])
            found = [record.conversation.id.int for record in records if not isinstance(record, BadRecord)]
            lines = export[:cut].count(b"\n")
            assert found in (list(range(whole[lines])), list(range(whole[lines + 1 if lines < 10 else 10])))
            assert len(found) < len(records) or cut == len(export) - 1

    @pytest.mark.parametrize(
        ("line", "instead", "found", "bad"),
        [
            (2, b"garbage\n", [1, 2], ["line 3"]),
            (3, b"", [1, 2], ["line 2"]),
            (4, b"\xff\n", [0, 2], ["line 5"]),
            (5, b'{"message":{"position":0,"role":"user","content":"x"}}\n', [0, 2], ["line 6"]),
            (5, b'{"message":{"position":9,"role":"user"}}\n', [0, 2], ["line 6"]),
            (7, b'{"conversation":{"message_count":2}}\n', [0, 1], ["line 8"]),
            (10, b"", [0, 1, 2], ["the end"]),
            (10, b'{"end":{"conversations":4,"messages":8}}\n', [0, 1, 2], ["line 11"]),
            (0, b'{"format":"chat_persistence","version":2}\n', [], ["line 1"]),
            (0, b"", [], ["line 1"]),
        ],
    )
    def test_what_is_wrong_is_named_by_its_line_and_costs_one_conversation(
        self, export: bytes, line: int, instead: bytes, found: list[int], bad: list[str]
    ) -> None:
        lines = export.splitlines(keepends=True)
        lines[line : line + 1] = [instead] if instead else []

        assert self.told(lines) == (found, bad)

    def test_a_conversation_that_is_missing_altogether_is_noticed(self, export: bytes) -> None:
        lines = export.splitlines(keepends=True)

        assert self.told([*lines[:4], *lines[7:]]) == ([0, 2], ["line 8"])

    def test_no_reason_holds_what_was_said(self) -> None:
        export = (
            b'{"format":"chat_persistence","version":1}\n{"conversation":{"user_id":"ada","message_count":1}}\n'
            b'{"message":{"role":"secret","content":{"secret":1},"secret":1}}\n{"secret":1}\n"secret"\n'
        )

        reasons = [record.reason for record in records_of(export) if isinstance(record, BadRecord)]

        assert reasons
        assert "secret" not in repr(reasons).replace("secret: Extra", "")


class TestCost:
    async def test_ten_thousand_messages_of_100_kb_in_all_ways_take_no_more_memory_than_a_page(
        self, store: ChatStore, user_id: str
    ) -> None:
        """A page of a gigabyte would be in a file; this one has 100 MB."""
        content = "x" * 10_000
        messages = [MessageCreate(role="user", content=content) for _ in range(10_000)]
        await store.load([ConversationLoad(user_id=user_id, id=uuid4(), messages=messages)])
        del messages
        tracemalloc.start()
        try:
            size = 0
            async for piece in store.export(user_id):
                size += len(piece)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await store.for_user(user_id).erase()

        print(f"exporting {size / 1e6:.0f} MB of one conversation: {peak / 1e6:.1f} MB at its peak")
        assert size > 100_000_000
        assert peak < 20_000_000


class TestEncrypted:
    """An export is read without any key: what is encrypted in the tables is decrypted in it."""

    @pytest.fixture
    async def encrypted(self, migrated_database: str) -> AsyncIterator[ChatStore]:
        async with ChatStore(migrated_database, encryption=encryption()) as store:
            yield store

    @given(messages=messages())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    async def test_it_is_imported_where_other_keys_encrypt_as_it_was(
        self, encrypted: ChatStore, elsewhere: ChatStore, messages: list[MessageLoad]
    ) -> None:
        user_id = f"user-{uuid4()}"
        fresh = [message.model_copy(update={"id": uuid4()}) for message in messages]
        source = ConversationLoad(user_id=user_id, id=uuid4(), messages=fresh, cut_title=False)
        await encrypted.load([source])
        export = await exported(encrypted, user_id)

        await import_all(elsewhere, export)

        chat = encrypted.for_user(user_id)
        assert await everything(elsewhere.for_user(user_id)) == await everything(chat)
        assert [len(messages) for _, messages in await everything(chat)] == [len(fresh)]
        assert lines_of(await exported(elsewhere, user_id)) == lines_of(export)
        assert b"sealed" not in export
        await chat.erase()
        await import_all(encrypted, export)
        assert await exported(encrypted, user_id) == export

    async def test_beside_users_with_other_keys_and_messages_that_were_there_before(
        self, store: ChatStore, encrypted: ChatStore, user_id: str
    ) -> None:
        users = [f"{user_id}-{number}" for number in range(3)]
        for one in users:
            for each in (store, encrypted):
                await each.load([ConversationLoad(user_id=one, id=uuid4(), messages=said(1_500)) for _ in range(2)])

        found = [lines_of(await exported(encrypted, one)) for one in users]

        for lines in found:
            contents = [line["message"]["content"] for line in lines if "message" in line]
            assert contents == [message.content for _ in range(4) for message in said(1_500)]

    async def test_without_its_key_nothing_is_exported_as_if_it_were_text(
        self,
        store: ChatStore,
        encrypted: ChatStore,
        migrated_database: str,
        user_id: str,
        connection: asyncpg.Connection,
    ) -> None:
        chat = encrypted.for_user(user_id)
        await chat.messages.append(uuid4(), *said(1), create_conversation=True)
        with pytest.raises(EncryptionKeyMissing):
            await exported(store, user_id)
        await connection.execute("DELETE FROM user_keys WHERE user_id = $1", user_id)

        async with ChatStore(migrated_database, encryption=encryption()) as other:
            export = await exported(other, user_id)

        assert lines_of(export)[2]["message"]["content"] is None
        assert lines_of(export)[2]["message"]["unreadable"] == ["content"]
        assert records_of(export) == [BadRecord("line 3", "it could not be decrypted when it was exported")]

    async def test_what_was_not_encrypted_is_unreadable_where_it_is_not_to_be_read(
        self, migrated_database: str, user_id: str, chat: UserChats
    ) -> None:
        await chat.messages.append(uuid4(), *said(1), create_conversation=True)

        async with ChatStore(migrated_database, encryption=encryption(reads_plain=False)) as other:
            (message,) = [line["message"] for line in lines_of(await exported(other, user_id)) if "message" in line]

        assert (message["content"], message["unreadable"]) == (None, ["content"])
