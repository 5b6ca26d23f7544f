"""Replies in the making, in a store that encrypts."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from chat_persistence import ChatStore, Encryption, EncryptionKeyMissing, KeyRing, UserChats
from chat_persistence.draft_parts import Part
from chat_persistence.draft_storing import PartOutcome
from tests.servers import new_migrated_database

RING = KeyRing({"2026": b"k" * 32}, "2026")
WORD = "gondola"


@pytest.fixture(scope="module")
async def migrated_database(database_url: str) -> AsyncIterator[str]:
    async with new_migrated_database(database_url) as url:
        yield url


@pytest.fixture(scope="module")
async def store(migrated_database: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(migrated_database, encryption=Encryption(RING)) as store:
        yield store


@pytest.fixture
async def id(chat: UserChats) -> UUID:
    """A conversation."""
    return (await chat.conversations.create()).id


async def rows_of(connection: asyncpg.Connection, user_id: str) -> str:
    tables = [
        await connection.fetch(f"SELECT t::text FROM {table} AS t WHERE user_id = $1", user_id)  # noqa: S608
        for table in ("drafts", "messages", "conversations")
    ]
    return "\n".join(row[0] for rows in tables for row in rows)


async def write(chat: UserChats, id: UUID, *words: str) -> UUID:
    """Store a draft of so many parts, as a process leaves it that is killed."""
    draft = await chat.drafts.begin(id).__aenter__()
    for word in words:
        await draft.write(word, native={"word": word})
        await draft.flush()
    return draft.id


async def test_parts_are_encrypted_and_read_in_their_order(
    chat: UserChats, id: UUID, user_id: str, connection: asyncpg.Connection
) -> None:
    await write(chat, id, WORD, " and ", "tram\x00")

    stored = await rows_of(connection, user_id)
    (draft,) = (await chat.drafts.page(id)).items

    assert stored.count("sealed1:") == 6
    assert WORD not in stored
    assert (draft.content, draft.unreadable) == (f"{WORD} and tram\x00", ())
    assert draft.native == [{"word": WORD}, {"word": " and "}, {"word": "tram\x00"}]


async def test_what_was_received_becomes_an_encrypted_message(
    chat: UserChats, id: UUID, user_id: str, connection: asyncpg.Connection
) -> None:
    async with chat.drafts.begin(id) as draft:
        await draft.write(WORD)
        await draft.flush()
    left = await write(chat, id, WORD)
    finished = await chat.drafts.finish(id, left)

    stored = await rows_of(connection, user_id)

    assert WORD not in stored
    assert stored.count("sealed1:") == 3
    assert await chat.messages.last(id) == [draft.message, finished]
    assert finished.content == WORD


async def test_a_part_that_is_sent_again_is_the_same_part(chat: UserChats, id: UUID) -> None:
    """Encrypted anew it looks like another one."""
    message_id = uuid4()
    part = Part(1, WORD, '["a"]')

    outcomes = [await chat.drafts._store_part(id, message_id, part) for _ in range(2)]
    other = await chat.drafts._store_part(id, message_id, Part(1, "tram", '["a"]'))

    assert outcomes == [PartOutcome.STORED] * 2
    assert other is PartOutcome.TAKEN


async def test_parts_that_were_swapped_are_refused(chat: UserChats, id: UUID, connection: asyncpg.Connection) -> None:
    message_id = await write(chat, id, WORD, "tram")
    await connection.execute(
        "UPDATE drafts SET content = (SELECT content FROM drafts WHERE id = $1 AND part = 2) WHERE id = $1", message_id
    )

    (draft,) = (await chat.drafts.page(id)).items

    assert (draft.content, draft.unreadable) == ("", ("content",))
    assert draft.native == [{"word": WORD}, {"word": "tram"}]


async def test_a_store_without_encryption_says_so(chat: UserChats, id: UUID, migrated_database: str) -> None:
    await write(chat, id, WORD)

    async with ChatStore(migrated_database) as plain:
        with pytest.raises(EncryptionKeyMissing):
            await plain.for_user((await chat.conversations.get(id)).user_id).drafts.page(id)


async def test_an_operator_reads_the_drafts_of_all_users(store: ChatStore) -> None:
    users = [f"quiet-{uuid4()}" for _ in range(3)]
    for user_id in users:
        conversation = await store.for_user(user_id).conversations.create()
        await write(store.for_user(user_id), conversation.id, user_id)

    found = {draft.user_id: draft.content async for draft in store.drafts(quiet_seconds=1e-6)}

    assert {user_id: found[user_id] for user_id in users} == {user_id: user_id for user_id in users}


async def test_a_receiver_whose_user_was_erased_meanwhile_writes_nothing_with_the_old_key(
    chat: UserChats, id: UUID, user_id: str, migrated_database: str
) -> None:
    async with ChatStore(migrated_database, encryption=Encryption(RING)) as other:
        theirs = other.for_user(user_id)
        async with theirs.drafts.begin(id) as draft:
            await draft.write(WORD)
            await draft.flush()
            await chat.erase()
            await chat.conversations.create(id=id)
            await draft.write("tram")

    assert [message.content for message in await chat.messages.last(id)] == [f"{WORD}tram"]
