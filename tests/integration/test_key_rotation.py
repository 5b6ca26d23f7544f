"""Users' keys wrapped anew with another master key, while everybody goes on."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    Encryption,
    EncryptionKeyMissing,
    KeyRing,
    KeyRotation,
    MessageCreate,
    MessageLoad,
)
from chat_persistence.key_rotation import KEYS_AT_ONCE

OLD, NEW = bytes(range(32)), bytes(range(100, 132))
BEFORE, BETWEEN = KeyRing({"old": OLD, "new": NEW}, "old"), KeyRing({"old": OLD, "new": NEW}, "new")
AFTER = KeyRing({"new": NEW}, "new")
WRITERS = 50

Talks = dict[str, UUID]


@pytest.fixture
async def store(chat_database: str) -> AsyncIterator[ChatStore]:
    """A store of a database whose keys nobody else wraps; it reads them anew for each call."""
    async with ChatStore(chat_database, encryption=Encryption(BEFORE, key_seconds=1e-9)) as store:
        yield store


def said(content: str) -> MessageCreate:
    return MessageCreate(role="user", content=content)


async def talks_of(store: ChatStore, users: int) -> Talks:
    """Have so many users say their names, and return their conversations."""
    talks = {f"user-{number:05}": uuid4() for number in range(users)}
    await store.load(
        ConversationLoad(user_id=user_id, id=id, messages=[MessageLoad(role="user", content=user_id)])
        for user_id, id in talks.items()
    )
    return talks


async def unread(url: str, talks: Talks, ring: KeyRing) -> list[str]:
    """Return who does not read what he said with the keys of a ring."""
    async with ChatStore(url, encryption=Encryption(ring)) as store:
        return [
            user_id
            for user_id, id in talks.items()
            if {message.content for message in await store.for_user(user_id).messages.last(id, 1000)} != {user_id}
        ]


async def test_all_keys_are_wrapped_anew_and_no_message_is_touched(store: ChatStore, chat_database: str) -> None:
    talks = await talks_of(store, 20)
    connection = await asyncpg.connect(chat_database)
    before = await connection.fetch("SELECT * FROM messages ORDER BY user_id")

    assert await store.rotate_keys(BETWEEN) == KeyRotation(20, 20, 20)

    assert await connection.fetch("SELECT * FROM messages ORDER BY user_id") == before
    assert {row[0] for row in await connection.fetch("SELECT master_key_id FROM user_keys")} == {"new"}
    assert await unread(chat_database, talks, AFTER) == []
    await connection.close()


async def test_a_rotation_that_is_done_is_done(store: ChatStore) -> None:
    await talks_of(store, 3)

    assert await store.rotate_keys(BETWEEN, dry_run=True) == KeyRotation(3, 3, 0)
    assert await store.rotate_keys(BETWEEN) == KeyRotation(3, 3, 3)
    assert await store.rotate_keys(AFTER) == KeyRotation(3, 0, 0)


async def test_it_walks_in_pages_and_tells_of_each(store: ChatStore, chat_database: str) -> None:
    connection = await asyncpg.connect(chat_database)
    users = [f"user-{number:05}" for number in range(2 * KEYS_AT_ONCE + 1)]
    keys = [(user_id, "old", BEFORE.new(user_id).wrapped) for user_id in users]
    columns = ("user_id", "master_key_id", "wrapped_key")
    await connection.copy_records_to_table("user_keys", records=keys, columns=columns)
    await connection.close()
    told: list[int] = []

    await store.rotate_keys(BETWEEN, on_progress=lambda rotation: told.append(rotation.rewrapped))

    assert told == [KEYS_AT_ONCE, 2 * KEYS_AT_ONCE, 2 * KEYS_AT_ONCE + 1]


async def test_a_key_that_no_master_key_opens_stops_it_and_is_named(store: ChatStore, chat_database: str) -> None:
    talks = await talks_of(store, 2)

    with pytest.raises(EncryptionKeyMissing) as caught:
        await store.rotate_keys(AFTER)

    assert caught.value.master_key_id == "old"
    assert await unread(chat_database, talks, BEFORE) == []


async def test_it_can_be_killed_and_run_again_under_fifty_writers(store: ChatStore, chat_database: str) -> None:
    talks = await talks_of(store, WRITERS)
    is_over = asyncio.Event()

    async def write(user_id: str, id: UUID) -> int:
        count = 0
        while not is_over.is_set():
            chat = store.for_user(user_id)
            await chat.messages.append(id, said(user_id))
            assert [message.content for message in await chat.messages.last(id, 2)] == [user_id, user_id]
            count += 1
        return count

    async def rotate() -> list[KeyRotation]:
        killed = asyncio.create_task(store.rotate_keys(BETWEEN))
        await asyncio.sleep(0.01)
        killed.cancel()
        done = []
        for ring in (BETWEEN, BEFORE, BETWEEN):
            done.append(await store.rotate_keys(ring))
            await asyncio.sleep(0.2)
        return done

    writing = [asyncio.create_task(write(*talk)) for talk in talks.items()]
    done = await rotate()
    is_over.set()
    counts = await asyncio.gather(*writing)

    assert min(counts) > 0
    assert [each.rewrapped for each in done[1:]] == [WRITERS, WRITERS]
    assert await unread(chat_database, talks, AFTER) == []


async def test_whoever_is_erased_meanwhile_is_not_brought_back(store: ChatStore, chat_database: str) -> None:
    talks = await talks_of(store, 100)

    async def erase() -> None:
        for user_id in talks:
            await store.for_user(user_id).erase()

    await asyncio.gather(erase(), *[store.rotate_keys(ring) for ring in (BETWEEN, BEFORE, BETWEEN)])

    connection = await asyncpg.connect(chat_database)
    assert await connection.fetchval("SELECT count(*) FROM user_keys") == 0
    await connection.close()
