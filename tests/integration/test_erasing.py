"""Erasing one user: the receipt, what is left, and who is writing meanwhile."""

import asyncio
import copy
import json
import pickle
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, ConversationLoad, ErasureReceipt, MessageCreate, UserChats
from chat_persistence.models import DraftPart, UserKey
from tests.hashes import rows_of_others

TABLES = ("conversations", "messages", "drafts", "user_keys")


def said(count: int) -> list[MessageCreate]:
    return [MessageCreate(role="user", content=f"message {number}") for number in range(count)]


async def store_all(store: ChatStore, user_id: str, sizes: list[int], parts: int, *, has_key: bool) -> None:
    """Store conversations of so many messages, the first with so many parts of a draft."""
    conversations = [ConversationLoad(user_id=user_id, id=uuid4(), messages=said(size)) for size in sizes]
    await store.load(conversations)
    async with store.unit_of_work(user_id) as work:
        draft = {"user_id": user_id, "conversation_id": conversations[0].id if sizes else None, "id": uuid4()}
        work.session.add_all(DraftPart(**draft, part=part, content="x") for part in range(1, parts + 1) if sizes)
        if has_key:
            work.session.add(UserKey(user_id=user_id, master_key_id="a", wrapped_key=b"x"))


async def counts(connection: asyncpg.Connection, user_id: str) -> dict[str, int]:
    return {
        table: await connection.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", user_id)  # noqa: S608
        for table in TABLES
    }


@given(sizes=st.lists(st.integers(0, 4), max_size=6), parts=st.integers(0, 3), has_key=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_receipt_says_what_was_there_and_is_not_any_more(
    store: ChatStore, connection: asyncpg.Connection, sizes: list[int], parts: int, has_key: bool
) -> None:
    user_id, neighbour = (f"user-{uuid4()}" for _ in range(2))
    for one in (user_id, neighbour):
        await store_all(store, one, sizes, parts, has_key=has_key)
    model = {
        "conversations": len(sizes),
        "messages": sum(sizes),
        "drafts": parts if sizes else 0,
        "user_keys": int(has_key),
    }
    there, others = await counts(connection, user_id), await rows_of_others(connection, user_id, only=neighbour)

    dry = await store.for_user(user_id).erase(dry_run=True)
    still_there = await counts(connection, user_id)
    receipt = await store.for_user(user_id).erase()

    assert model == there == still_there == by_table(dry) == by_table(receipt)
    assert (dry.dry_run, receipt.dry_run) == (True, False)
    assert await counts(connection, user_id) == dict.fromkeys(TABLES, 0)
    assert await rows_of_others(connection, user_id, only=neighbour) == others
    assert by_table(await store.for_user(user_id).erase()) == dict.fromkeys(TABLES, 0)
    await store.for_user(neighbour).erase()  # whose key no ring opens


def by_table(receipt: ErasureReceipt) -> dict[str, int]:
    return {table: getattr(receipt, table) for table in TABLES}


async def test_a_receipt_is_the_number_of_conversations_and_can_be_kept(
    store: ChatStore, user_id: str, chat: UserChats
) -> None:
    await store_all(store, user_id, [2, 1], 1, has_key=True)

    receipt = await chat.erase()

    assert receipt == 2
    assert datetime.now(UTC) - receipt.finished_at < timedelta(minutes=1)
    assert json.loads(json.dumps(receipt.to_dict())) == {
        "user_id": user_id,
        "dry_run": False,
        "finished_at": receipt.finished_at.isoformat(),
        "conversations": 2,
        "messages": 3,
        "drafts": 1,
        "user_keys": 1,
    }
    for kept in (pickle.loads(pickle.dumps(receipt)), copy.deepcopy(receipt)):  # noqa: S301
        assert kept.to_dict() == receipt.to_dict()
    assert repr(receipt).startswith(f"ErasureReceipt(user_id='{user_id}', conversations=2, messages=3")


async def test_conversations_of_the_first_and_the_last_id_go_too(store: ChatStore, user_id: str) -> None:
    ids = [UUID(int=0), UUID(int=1), UUID(int=2**128 - 1)]
    await store.load(ConversationLoad(user_id=user_id, id=id, messages=said(1)) for id in ids)

    assert (await store.for_user(user_id).erase()).messages == 3


async def test_a_batch_is_full_with_5000_messages(
    store: ChatStore, user_id: str, chat: UserChats, connection: asyncpg.Connection
) -> None:
    """A longer conversation is a batch of its own."""
    sizes = [12_000, 1, 3_000, 3_000, 3_000, 0]
    await store.load(
        ConversationLoad(user_id=user_id, id=UUID(int=number), messages=said(size)) for number, size in enumerate(sizes)
    )

    receipt = await chat.erase()

    assert (receipt.conversations, receipt.messages) == (6, 21_001)
    assert await counts(connection, user_id) == dict.fromkeys(TABLES, 0)


@pytest.fixture
async def writers(store: ChatStore) -> AsyncIterator["Writers"]:
    writers = Writers(store)
    yield writers
    await writers.stop()


class Writers:
    """Fifty tasks that create conversations and append to what they have, until they are stopped."""

    def __init__(self, store: ChatStore) -> None:
        self._store = store
        self._tasks: list[asyncio.Task[None]] = []
        self._is_over = False
        self.turns = 0

    def start(self, user_ids: list[str]) -> None:
        self._tasks = [asyncio.create_task(self._write(self._store.for_user(user_id))) for user_id in user_ids]

    async def stop(self) -> None:
        self._is_over = True
        await asyncio.gather(*self._tasks)

    async def _write(self, chat: UserChats) -> None:
        while not self._is_over:
            conversation_id = uuid4()
            for _ in range(3):
                await chat.messages.append(conversation_id, *said(2), create_conversation=True)
                self.turns += 1


async def test_it_ends_beside_fifty_writers_of_the_same_user(
    store: ChatStore, user_id: str, chat: UserChats, connection: asyncpg.Connection, writers: Writers
) -> None:
    """What was there when it began is gone; what came meanwhile is whole."""
    before = [ConversationLoad(user_id=user_id, id=uuid4(), messages=said(20)) for _ in range(1_000)]
    await store.load(before)
    writers.start([user_id] * 50)

    receipt = await asyncio.wait_for(chat.erase(), 30)
    turns = writers.turns
    await writers.stop()

    left = await connection.fetch(
        "SELECT id, message_count, (SELECT count(*) FROM messages AS m WHERE (m.user_id, m.conversation_id) ="
        " (c.user_id, c.id)) AS found FROM conversations AS c WHERE user_id = $1",
        user_id,
    )
    assert (turns > 0, receipt >= 1_000, receipt.messages >= 20_000) == (True, True, True)
    assert not {row["id"] for row in left} & {conversation.id for conversation in before}
    assert [row for row in left if row["message_count"] != row["found"]] == []


async def test_it_changes_nothing_of_others_who_write_meanwhile(
    store: ChatStore, user_id: str, chat: UserChats, connection: asyncpg.Connection, writers: Writers
) -> None:
    others = [f"{user_id}-{number}" for number in range(50)]
    await store.load(ConversationLoad(user_id=user_id, id=uuid4(), messages=said(20)) for _ in range(1_000))
    quiet = f"{user_id}-quiet"
    await store_all(store, quiet, [3, 2], 1, has_key=True)
    before = await rows_of_others(connection, user_id, only=quiet)
    writers.start(others)

    receipt = await chat.erase()
    await writers.stop()

    written = await connection.fetchval("SELECT count(*) FROM messages WHERE user_id = ANY ($1)", others)
    assert receipt == 1_000
    assert written == 2 * writers.turns > 0
    assert await rows_of_others(connection, user_id, only=quiet) == before
    await store.for_user(quiet).erase()
