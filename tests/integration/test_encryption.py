"""What a store that encrypts sends, reads, refuses and forgets."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import anyio
import asyncpg
import pytest
from hypothesis import given

from chat_persistence import (
    ChatStore,
    ConfigurationError,
    ConversationLoad,
    ConversationNotFound,
    EncryptedSearch,
    Encryption,
    EncryptionKeyMissing,
    KeyRing,
    MessageConflict,
    MessageCreate,
    MessageLoad,
    MessageRead,
    MetadataSwap,
    ToolCall,
    UserChats,
)
from chat_persistence.fork_sealing import id_of_copy
from chat_persistence.selftest.relay import Relay
from tests.following import following
from tests.integration.test_any_text import any_json, any_text, database
from tests.roles import Walled, new_walled_database
from tests.servers import new_migrated_database

RING = KeyRing({"2026": b"k" * 32}, "2026")
WORD = "gondola"
"""Planted wherever a message says something; no ciphertext has it but once in 10^12."""


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
async def encrypting(migrated_database: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(migrated_database, encryption=Encryption(RING)) as store:
        yield store


@pytest.fixture(scope="module")
async def walled(database_url: str) -> AsyncIterator[Walled]:
    async with new_walled_database(database_url) as walled:
        yield walled


@pytest.fixture
def chat(encrypting: ChatStore, user_id: str) -> UserChats:
    return encrypting.for_user(user_id)


def telling(text: str = WORD, **more: Any) -> MessageCreate:
    call = ToolCall(id=f"{text}-1", name=text, arguments=text, result={text: [text]})
    return MessageCreate(role="user", content=text, tool_calls=[call], native={text: text}, **more)


async def appended(chat: UserChats, *messages: MessageCreate) -> list[MessageRead]:
    return await chat.messages.append(uuid4(), *messages or (telling(),), create_conversation=True)


async def rows_of(connection: asyncpg.Connection, *user_ids: str) -> str:
    """Return all that the tables hold of some users, as PostgreSQL writes it."""
    tables = [
        await connection.fetch(f"SELECT t::text FROM {table} AS t WHERE user_id = ANY ($1)", user_ids)  # noqa: S608
        for table in ("conversations", "messages", "user_keys")
    ]
    return "\n".join(row[0] for rows in tables for row in rows)


class TestWhatIsStored:
    async def test_nothing_that_a_message_says_is_in_the_tables(
        self, chat: UserChats, user_id: str, encrypting: ChatStore, connection: asyncpg.Connection
    ) -> None:
        (message,) = await appended(chat)
        loaded = MessageLoad(**telling().model_dump())
        await encrypting.load([ConversationLoad(user_id=user_id, id=uuid4(), messages=[loaded])])
        async with encrypting.unit_of_work(user_id) as work:
            await work.messages.append(message.conversation_id, telling())

        stored = await rows_of(connection, user_id)

        assert stored.count("sealed1:") == 9
        assert WORD not in stored
        assert (await chat.conversations.get(message.conversation_id)).title is None

    async def test_it_is_read_back_equal_in_every_way(self, chat: UserChats) -> None:
        stored = await appended(chat, telling(), telling("tram"), MessageCreate(role="assistant", native=[1e23]))
        id = stored[0].conversation_id

        assert [message.unreadable for message in stored] == [(), (), ()]
        assert (stored[0].content, stored[0].native, stored[2].native) == (WORD, {WORD: WORD}, [1e23])
        assert await chat.messages.last(id) == stored
        assert await chat.messages.last_turns(id, 5) == await chat.messages.last(id, whole_turns=True)
        assert (await chat.messages.page(id)).items == stored
        assert [message async for message in chat.messages.iterate(id)] == stored
        assert await chat.messages.get(stored[1].id) == stored[1]
        assert (await chat.conversations.get_with_messages(id)).messages == stored

    async def test_metadata_and_a_given_title_stay_as_they_are(
        self, chat: UserChats, user_id: str, connection: asyncpg.Connection
    ) -> None:
        conversation = await chat.conversations.create(title="Rome")
        await chat.messages.append(conversation.id, telling(metadata={"model": "small"}))

        stored = await rows_of(connection, user_id)

        assert "Rome" in stored
        assert "small" in stored

    @given(any_text.filter(bool), any_json, any_json, any_text)
    @database
    async def test_any_message_comes_back_equal_and_never_twice_the_same(
        self, encrypting: ChatStore, content: str, native: object, result: object, arguments: str
    ) -> None:
        calls = [ToolCall(id="c1", name="x", arguments=arguments), ToolCall(id="c1", result=result)]
        sent = MessageCreate(role="assistant", content=content, tool_calls=calls, native=native)
        chat = encrypting.for_user("any-encrypted-text")

        (answered,) = await appended(chat, sent)

        assert await chat.messages.last(answered.conversation_id) == [answered]
        assert (answered.content, answered.tool_calls, answered.native) == (content, calls, native)
        assert answered.unreadable == ()

    async def test_what_is_said_twice_is_stored_as_two_texts(
        self, chat: UserChats, user_id: str, connection: asyncpg.Connection
    ) -> None:
        await appended(chat, *[MessageCreate(role="user", content="yes") for _ in range(100)])

        stored = await connection.fetch("SELECT content FROM messages WHERE user_id = $1", user_id)

        assert len({row[0] for row in stored}) == 100

    async def test_a_repeated_append_is_compared_by_what_it_says(self, chat: UserChats) -> None:
        sent = telling()
        stored = await appended(chat, sent)

        assert await chat.messages.append(stored[0].conversation_id, sent) == stored
        with pytest.raises(MessageConflict):
            await chat.messages.append(stored[0].conversation_id, telling("tram", id=sent.id))

    async def test_turns_are_whole_though_the_database_sees_no_tool_calls(self, chat: UserChats) -> None:
        call, result = ToolCall(id="c", name="find"), ToolCall(id="c", result=1)
        stored = await appended(
            chat,
            MessageCreate(role="user", content="one"),
            MessageCreate(role="user", content="two"),
            MessageCreate(role="assistant", tool_calls=[call]),
            MessageCreate(role="user", tool_calls=[result]),
        )

        assert await chat.messages.last_turns(stored[0].conversation_id, 1) == stored[1:]
        assert await chat.messages.last(stored[0].conversation_id, 1, whole_turns=True) == stored[1:]

    async def test_whoever_follows_reads_it_as_it_comes(self, chat: UserChats, migrated_database: str) -> None:
        (first,) = await appended(chat)
        async with ChatStore(migrated_database, encryption=Encryption(RING)) as other:
            there = other.for_user(first.user_id).messages
            async with following(there.follow(first.conversation_id, after=0)) as follower:
                assert await follower.reach(1) == [WORD]
                await chat.messages.append(first.conversation_id, telling("tram"))
                assert await follower.reach(2) == [WORD, "tram"]

    async def test_a_search_is_refused_before_any_sql(self, chat: UserChats) -> None:
        with pytest.raises(EncryptedSearch):
            await chat.messages.search(WORD)


SWAPS = {
    "content of another message": ("content", "content", "message"),
    "native of another message": ("native", "native", "message"),
    "tool calls of another message": ("tool_calls", "tool_calls", "message"),
    "native as tool calls": ("tool_calls", "native::jsonb", "itself"),
    "content as native": ("native", "to_json(content)", "itself"),
    "native as content": ("content", "native #>> '{}'", "itself"),
    "content of another conversation": ("content", "content", "conversation"),
    "content of another user": ("content", "content", "user"),
}


class TestWhatIsRefused:
    @pytest.mark.parametrize(("column", "source", "whose"), SWAPS.values(), ids=SWAPS)
    async def test_a_swapped_column_is_empty_and_named(
        self,
        chat: UserChats,
        encrypting: ChatStore,
        connection: asyncpg.Connection,
        column: str,
        source: str,
        whose: str,
    ) -> None:
        stored = await appended(chat, telling(), telling("tram"))
        (elsewhere,) = await appended(chat)
        (somebodys,) = await appended(encrypting.for_user(f"other-{uuid4()}"))
        other = {"itself": stored[0], "message": stored[1], "conversation": elsewhere, "user": somebodys}[whose]
        await connection.execute(
            f"UPDATE messages SET {column} = (SELECT {source} FROM messages WHERE id = $1) WHERE id = $2",  # noqa: S608
            other.id,
            stored[0].id,
        )

        first, second = await chat.messages.last(stored[0].conversation_id)

        assert first.unreadable == (column,)
        assert not getattr(first, column)
        assert second == stored[1]

    async def test_a_row_under_another_id_is_refused(self, chat: UserChats, connection: asyncpg.Connection) -> None:
        (stored,) = await appended(chat)
        other = uuid4()
        await connection.execute("UPDATE messages SET id = $1 WHERE id = $2", other, stored.id)

        read = await chat.messages.get(other)

        assert (read.content, read.tool_calls, read.native) == ("", [], None)
        assert read.unreadable == ("content", "tool_calls", "native")

    async def test_it_is_told_of_without_any_text(
        self, chat: UserChats, connection: asyncpg.Connection, caplog: pytest.LogCaptureFixture
    ) -> None:
        (stored,) = await appended(chat)
        await connection.execute("UPDATE messages SET content = content || 'A' WHERE id = $1", stored.id)

        with caplog.at_level(logging.WARNING):
            await chat.messages.get(stored.id)

        (told,) = [record.getMessage() for record in caplog.records if "decrypted" in record.getMessage()]
        assert told == f"message {stored.id}: cannot be decrypted, or is not encrypted: content"

    async def test_up_to_a_message_everything_is_decrypted(self, chat: UserChats) -> None:
        (stored,) = await appended(chat)

        assert await chat.messages.through(stored.id) == [stored]

    async def test_a_store_without_encryption_says_so(self, chat: UserChats, user_id: str, store: ChatStore) -> None:
        only: list[dict[str, Any]] = [
            {"content": "x"},
            {"native": "x"},
            {"tool_calls": [ToolCall(id="c", name="x")]},
        ]
        for given_ in only:
            (stored,) = await appended(chat, MessageCreate(role="assistant", **given_))
            with pytest.raises(EncryptionKeyMissing, match="open the store with its encryption"):
                await store.for_user(user_id).messages.get(stored.id)

    @pytest.mark.parametrize("ring", [KeyRing({"2027": b"k" * 32}, "2027"), KeyRing({"2026": b"K" * 32}, "2026")])
    async def test_without_the_master_key_nothing_is_read_or_written(
        self, chat: UserChats, user_id: str, migrated_database: str, ring: KeyRing
    ) -> None:
        (stored,) = await appended(chat)

        async with ChatStore(migrated_database, encryption=Encryption(ring)) as other:
            for call in (other.for_user(user_id).messages.get(stored.id), appended(other.for_user(user_id))):
                with pytest.raises(EncryptionKeyMissing) as caught:
                    await call
                assert caught.value.master_key_id == "2026"


class TestOldRows:
    async def test_what_was_stored_as_it_is_stays_readable(
        self, chat: UserChats, user_id: str, store: ChatStore
    ) -> None:
        (plain,) = await appended(store.for_user(user_id))
        (sealed,) = await chat.messages.append(plain.conversation_id, telling("tram"))

        assert await chat.messages.last(plain.conversation_id) == [plain, sealed]

    async def test_or_not_where_only_what_is_encrypted_is_to_be_believed(
        self, chat: UserChats, user_id: str, store: ChatStore, migrated_database: str
    ) -> None:
        (plain,) = await appended(store.for_user(user_id))
        (sealed,) = await chat.messages.append(plain.conversation_id, telling("tram"))

        async with ChatStore(migrated_database, encryption=Encryption(RING, reads_plain=False)) as strict:
            first, second = await strict.for_user(user_id).messages.last(plain.conversation_id)

        assert (first.content, first.unreadable) == ("", ("content", "tool_calls", "native"))
        assert second == sealed


class TestKeys:
    async def test_each_user_has_one_of_his_own(self, encrypting: ChatStore, connection: asyncpg.Connection) -> None:
        users = [f"keyed-{uuid4()}" for _ in range(3)]
        for user_id in users * 2:
            await appended(encrypting.for_user(user_id))

        keys = await connection.fetch("SELECT wrapped_key FROM user_keys WHERE user_id = ANY ($1)", users)

        assert len({row[0] for row in keys}) == len(keys) == 3

    async def test_whoever_is_only_read_has_none(
        self, chat: UserChats, user_id: str, connection: asyncpg.Connection
    ) -> None:
        assert await chat.messages.last(uuid4()) == []
        assert await rows_of(connection, user_id) == ""

    async def test_no_load_of_many_users_mixes_them_up(self, encrypting: ChatStore) -> None:
        users = {f"loaded-{uuid4()}": uuid4() for _ in range(20)}
        await encrypting.load(
            ConversationLoad(user_id=user_id, id=id, messages=[MessageLoad(role="user", content=user_id)])
            for user_id, id in users.items()
        )

        for user_id, id in users.items():
            assert [message.content for message in await encrypting.for_user(user_id).messages.last(id)] == [user_id]

    async def test_a_unit_of_work_that_is_rolled_back_takes_the_key_along_and_nothing_else(
        self, encrypting: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            async with encrypting.unit_of_work(user_id) as work:
                await work.messages.append(uuid4(), telling(), create_conversation=True)
                raise ZeroDivisionError

        stored = await appended(chat)

        assert await chat.messages.last(stored[0].conversation_id) == stored

    async def test_two_units_of_work_that_begin_with_the_same_user_both_store(
        self, encrypting: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        """The first one's key is in memory before it is committed."""
        conversation = await chat.conversations.create()

        async def second() -> None:
            async with encrypting.unit_of_work(user_id) as work:
                await work.messages.append(conversation.id, telling("tram"))

        async with encrypting.unit_of_work(user_id) as work:
            await work.messages.append(uuid4(), telling(), create_conversation=True)
            waiting = asyncio.create_task(second())
            await asyncio.sleep(0.2)
        await waiting

        assert [message.content for message in await chat.messages.last(conversation.id)] == ["tram"]

    async def test_the_reply_of_a_caller_who_has_gone_is_stored_also_by_a_key_that_is_not_in_memory(
        self, chat: UserChats
    ) -> None:
        id = (await chat.conversations.create()).id
        with anyio.CancelScope() as scope:
            scope.cancel()
            await chat.messages.append(id, telling())

        async with asyncio.timeout(5):
            while not await chat.messages.last(id):
                await asyncio.sleep(0.01)

    async def test_a_savepoint_that_is_rolled_back_does_as_well(
        self, encrypting: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        async with encrypting.unit_of_work(user_id) as work:
            savepoint = await work.session.begin_nested()
            await work.messages.append(uuid4(), telling(), create_conversation=True)
            await savepoint.rollback()
            stored = await work.messages.append(uuid4(), telling(), create_conversation=True)

        assert await chat.messages.last(stored[0].conversation_id) == stored

    @pytest.mark.parametrize("warm", [True, False])
    async def test_a_call_is_one_round_trip_as_soon_as_the_key_is_in_memory(
        self, migrated_database: str, user_id: str, warm: bool
    ) -> None:
        relay = Relay(migrated_database)
        async with (
            relay.listening() as url,
            ChatStore(url, pool_size=1, encryption=Encryption(RING, key_seconds=60 if warm else 1e-9)) as store,
        ):
            chat = store.for_user(user_id)
            (stored,) = await appended(chat)
            for _ in range(2):
                before = relay.turns
                await chat.messages.append(stored.conversation_id, telling())
                appending = relay.turns - before
                await chat.messages.last(stored.conversation_id)
                reading = relay.turns - before - appending

        assert (appending, reading) == ((1, 1) if warm else (2, 2))


class TestErasure:
    async def test_what_was_copied_before_cannot_be_read_any_more(
        self, chat: UserChats, user_id: str, connection: asyncpg.Connection
    ) -> None:
        (stored,) = await appended(chat)
        copies = {
            table: await connection.fetch(f"SELECT * FROM {table} WHERE user_id = $1", user_id)  # noqa: S608
            for table in ("conversations", "messages")
        }

        assert await chat.erase() == 1
        assert await rows_of(connection, user_id) == ""
        for table, rows in copies.items():
            await connection.copy_records_to_table(table, records=rows)

        read = await chat.messages.get(stored.id)
        assert (read.content, read.tool_calls, read.native) == ("", [], None)
        assert read.unreadable == ("content", "tool_calls", "native")

    async def test_whoever_still_holds_the_key_writes_nothing_with_it(
        self, chat: UserChats, user_id: str, migrated_database: str
    ) -> None:
        async with ChatStore(migrated_database, encryption=Encryption(RING)) as other:
            theirs = other.for_user(user_id)
            await appended(theirs)
            await chat.erase()

            stored = await appended(theirs)
            async with other.unit_of_work(user_id) as work:
                await work.messages.append(stored[0].conversation_id, telling("tram"))

        assert [message.content for message in await chat.messages.last(stored[0].conversation_id)] == [WORD, "tram"]

    @pytest.mark.parametrize("create_conversation", [False, True])
    async def test_nor_does_who_swaps_a_key_of_the_metadata_with_it(
        self, chat: UserChats, user_id: str, migrated_database: str, create_conversation: bool
    ) -> None:
        swap = MetadataSwap("run", {"token": 1}, None)
        async with ChatStore(migrated_database, encryption=Encryption(RING)) as other:
            theirs = other.for_user(user_id)
            await appended(theirs)
            await chat.erase()

            id = uuid4() if create_conversation else (await chat.conversations.create()).id
            await theirs.messages.append(id, telling(), create_conversation=create_conversation, swap=swap)

        found = await chat.conversations.get_with_messages(id)
        assert [message.content for message in found.messages] == [WORD]
        assert found.conversation.metadata == {"run": {"token": 1}}

    async def test_an_erasure_waits_for_what_is_being_written_with_the_key(
        self, chat: UserChats, encrypting: ChatStore, user_id: str, connection: asyncpg.Connection
    ) -> None:
        await appended(chat)
        async with encrypting.unit_of_work(user_id) as work:
            await work.messages.append(uuid4(), telling(), create_conversation=True)
            erasing = asyncio.create_task(chat.erase())
            await asyncio.sleep(0.2)
            assert not erasing.done()

        assert await erasing == 2
        assert await rows_of(connection, user_id) == ""

    async def test_a_store_without_encryption_erases_the_key_too(
        self, chat: UserChats, store: ChatStore, user_id: str, connection: asyncpg.Connection
    ) -> None:
        await appended(chat)

        await store.for_user(user_id).erase()

        assert await rows_of(connection, user_id) == ""

    async def test_an_erasure_amid_many_writers_leaves_nothing_that_cannot_be_read(
        self, migrated_database: str, user_id: str
    ) -> None:
        async with (
            ChatStore(migrated_database, encryption=Encryption(RING)) as store,
            ChatStore(migrated_database, encryption=Encryption(RING)) as other,
        ):
            writers = [store.for_user(user_id), other.for_user(user_id)]

            async def write(number: int) -> None:
                for _ in range(10):
                    await appended(writers[number % 2])

            async def erase() -> None:
                for _ in range(5):
                    await writers[0].erase()

            await asyncio.gather(*[write(number) for number in range(8)], erase())
            left = [
                message
                for conversation in (await writers[1].conversations.page(1000)).items
                for message in await writers[1].messages.last(conversation.id)
            ]

        assert [message for message in left if message.unreadable or message.content != WORD] == []


class TestKeysElsewhere:
    """In another database, which is not backed up with the messages."""

    @pytest.fixture
    async def key_store(self, empty_database: str) -> AsyncIterator[ChatStore]:
        async with ChatStore(empty_database) as store:
            await store.migrate()
            yield store

    @pytest.fixture
    async def apart(self, migrated_database: str, key_store: ChatStore) -> AsyncIterator[ChatStore]:
        async with ChatStore(migrated_database, encryption=Encryption(RING, key_store.user_keys())) as store:
            yield store

    async def test_no_key_is_in_the_database_of_the_messages(
        self, apart: ChatStore, user_id: str, connection: asyncpg.Connection
    ) -> None:
        stored = await appended(apart.for_user(user_id))

        (kept,) = await connection.fetch("SELECT master_key_id, wrapped_key FROM user_keys WHERE user_id = $1", user_id)

        assert await apart.for_user(user_id).messages.last(stored[0].conversation_id) == stored
        assert (kept[0], len(kept[1])) == ("", 8)

    async def test_after_an_erasure_a_whole_backup_is_unreadable_with_the_master_keys(
        self, apart: ChatStore, key_store: ChatStore, user_id: str, connection: asyncpg.Connection, database_url: str
    ) -> None:
        (stored,) = await appended(apart.for_user(user_id))
        tables = ("conversations", "messages", "user_keys")
        backup = {
            table: await connection.fetch(f"SELECT * FROM {table} WHERE user_id = $1", user_id)  # noqa: S608
            for table in tables
        }
        await apart.for_user(user_id).erase()
        async with new_migrated_database(database_url) as url:
            restored = await asyncpg.connect(url)
            for table, rows in backup.items():
                await restored.copy_records_to_table(table, records=rows)
            await restored.close()
            async with ChatStore(url, encryption=Encryption(RING, key_store.user_keys())) as store:
                read = await store.for_user(user_id).messages.get(stored.id)

        assert read.unreadable == ("content", "tool_calls", "native")
        assert await key_store.user_keys().get(user_id) is None

    async def test_beside_the_messages_a_backup_holds_what_the_master_key_opens(
        self, chat: UserChats, user_id: str, connection: asyncpg.Connection
    ) -> None:
        """The honest limit of a key that is stored where it is backed up."""
        (stored,) = await appended(chat)
        copies = {
            table: await connection.fetch(f"SELECT * FROM {table} WHERE user_id = $1", user_id)  # noqa: S608
            for table in ("conversations", "messages", "user_keys")
        }
        await chat.erase()
        for table, rows in copies.items():
            await connection.copy_records_to_table(table, records=rows)

        assert await chat.messages.get(stored.id) == stored

    async def test_whoever_still_holds_the_key_writes_nothing_with_it(
        self, apart: ChatStore, key_store: ChatStore, user_id: str, migrated_database: str
    ) -> None:
        encryption = Encryption(RING, key_store.user_keys())
        async with ChatStore(migrated_database, encryption=encryption) as other:
            await appended(other.for_user(user_id))
            await apart.for_user(user_id).erase()
            stored = await appended(other.for_user(user_id))

        assert await apart.for_user(user_id).messages.last(stored[0].conversation_id) == stored

    async def test_a_store_that_does_not_know_where_says_so(
        self, apart: ChatStore, chat: UserChats, user_id: str
    ) -> None:
        (stored,) = await appended(apart.for_user(user_id))

        with pytest.raises(EncryptionKeyMissing, match="kept elsewhere"):
            await chat.messages.get(stored.id)

    async def test_a_key_beside_the_messages_is_not_thrown_away(
        self, chat: UserChats, apart: ChatStore, user_id: str
    ) -> None:
        stored = await appended(chat)

        with pytest.raises(ConfigurationError, match="beside the messages"):
            await appended(apart.for_user(user_id))
        assert await chat.messages.last(stored[0].conversation_id) == stored

    async def test_what_is_destroyed_elsewhere_alone_is_not_written_with(
        self, apart: ChatStore, key_store: ChatStore, user_id: str, migrated_database: str
    ) -> None:
        """As a crash in the middle of an erasure leaves it."""
        await appended(apart.for_user(user_id))
        await key_store.user_keys().destroy(user_id)

        async with ChatStore(migrated_database, encryption=Encryption(RING, key_store.user_keys())) as other:
            stored = await appended(other.for_user(user_id))
            assert await other.for_user(user_id).messages.last(stored[0].conversation_id) == stored


class TestRowLevelSecurity:
    async def test_the_application_writes_reads_and_erases_under_it(self, walled: Walled, user_id: str) -> None:
        async with ChatStore(walled.application, row_level_security=True, encryption=Encryption(RING)) as store:
            chat = store.for_user(user_id)
            stored = await appended(chat)
            async with store.unit_of_work(f"{user_id}-2") as work:
                await work.messages.append(uuid4(), telling(), create_conversation=True)

            assert await chat.messages.last(stored[0].conversation_id) == stored
            assert await chat.erase() == 1

    async def test_the_maintenance_role_loads_and_rotates(self, walled: Walled, user_id: str) -> None:
        id = uuid4()
        conversation = ConversationLoad(user_id=user_id, id=id, messages=[MessageLoad(role="user", content=WORD)])
        async with ChatStore(walled.owner, encryption=Encryption(RING)) as store:
            await store.load([conversation])
        async with ChatStore(walled.maintenance) as store:
            rotation = await store.rotate_keys(KeyRing({"new": b"n" * 32, "2026": b"k" * 32}, "new"))
        async with ChatStore(
            walled.application, row_level_security=True, encryption=Encryption(KeyRing({"new": b"n" * 32}, "new"))
        ) as store:
            assert [message.content for message in await store.for_user(user_id).messages.last(id)] == [WORD]

        assert rotation.rewrapped == rotation.seen >= 1


class TestForks:
    async def test_a_fork_is_encrypted_for_where_it_is(
        self, chat: UserChats, user_id: str, store: ChatStore, connection: asyncpg.Connection
    ) -> None:
        (plain,) = await appended(store.for_user(user_id))
        source = plain.conversation_id
        await chat.messages.append(source, telling("tram"), MessageCreate(role="assistant", native=[1]), telling("bus"))

        fork = await chat.conversations.fork(source, 3)

        copies = await chat.messages.last(fork.id)
        assert [(copy.content, copy.native, copy.unreadable) for copy in copies] == [
            (WORD, {WORD: WORD}, ()),
            ("tram", {"tram": "tram"}, ()),
            ("", [1], ()),
        ]
        stored = await connection.fetch("SELECT m::text FROM messages AS m WHERE conversation_id = $1", fork.id)
        assert [row[0] for row in stored if WORD in row[0] or "tram" in row[0]] == []

    async def test_its_messages_have_the_ids_that_a_plain_fork_gives(
        self, encrypting: ChatStore, store: ChatStore, user_id: str
    ) -> None:
        (plain,) = await appended(store.for_user(user_id))
        fork = await store.for_user(user_id).conversations.fork(plain.conversation_id, 1)

        (copy,) = await store.for_user(user_id).messages.last(fork.id)

        assert copy.id == id_of_copy(fork.id, plain.id)
        assert copy.id.version == 7

    async def test_what_was_swapped_stays_refused(self, chat: UserChats, connection: asyncpg.Connection) -> None:
        first, second = await appended(chat, telling(), telling("tram"))
        await connection.execute(
            "UPDATE messages SET content = (SELECT content FROM messages WHERE id = $1) WHERE id = $2",
            second.id,
            first.id,
        )

        fork = await chat.conversations.fork(first.conversation_id, 2)

        copies = await chat.messages.last(fork.id)
        assert [(copy.content, copy.unreadable) for copy in copies] == [("", ("content",)), ("tram", ())]

    async def test_a_key_that_was_destroyed_meanwhile_copies_nothing_unreadable(
        self, chat: UserChats, user_id: str, migrated_database: str
    ) -> None:
        async with ChatStore(migrated_database, encryption=Encryption(RING)) as other:
            stored = await appended(other.for_user(user_id))
            await chat.erase()
            with pytest.raises(ConversationNotFound):
                await other.for_user(user_id).conversations.fork(stored[0].conversation_id, 1)
            (again,) = await appended(other.for_user(user_id))
            await other.for_user(user_id).conversations.fork(again.conversation_id, 1)


class TestErasingWithoutKnowingWhere:
    async def test_a_key_that_is_kept_elsewhere_stops_an_erasure_that_would_leave_it(
        self, migrated_database: str, empty_database: str, user_id: str, store: ChatStore
    ) -> None:
        async with ChatStore(empty_database) as keys:
            await keys.migrate()
            async with ChatStore(migrated_database, encryption=Encryption(RING, keys.user_keys())) as apart:
                stored = await appended(apart.for_user(user_id))
                with pytest.raises(EncryptionKeyMissing, match="elsewhere"):
                    await store.for_user(user_id).erase()

                assert await apart.for_user(user_id).messages.last(stored[0].conversation_id) == stored
                assert await apart.for_user(user_id).erase() == 1

    async def test_the_keys_of_others_are_in_nobodys_receipt(
        self, chat: UserChats, store: ChatStore, encrypting: ChatStore, user_id: str
    ) -> None:
        await appended(encrypting.for_user(f"{user_id}-other"))
        await store.for_user(user_id).conversations.create()

        assert (await chat.erase()).user_keys == 0
