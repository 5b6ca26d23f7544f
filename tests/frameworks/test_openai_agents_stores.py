"""Sessions in stores of other kinds: on a line that breaks, encrypted, behind a pooler, under row-level security."""

import asyncio
from typing import Any

import pytest

from chat_persistence import (
    ChatStore,
    Encryption,
    InsufficientPrivilege,
    KeyRing,
    MessageCreate,
    ToolCall,
    conversation_id_of,
)
from chat_persistence.integrations.openai_agents import ChatSession
from chat_persistence.selftest.relay import Relay
from tests.frameworks.openai_items import asked, call, output, said
from tests.roles import new_walled_database

TURN = [asked("A train to Rome"), call("c1"), output("c1"), said("Booked: 12A.")]


async def do_everything(store: ChatStore, user_id: str) -> list[Any]:
    """Add, read, pop of several items, replace and clear, and return what was answered."""
    session: Any = ChatSession("rome", store.for_user(user_id))
    await session.add_items(TURN)
    answers = [await session.get_items(), await session.pop_item()]
    both = MessageCreate(role="assistant", tool_calls=[ToolCall("c2", "book", "{}", result="12B")])
    await store.for_user(user_id).messages.append(conversation_id_of("rome"), both)
    answers += [await session.pop_item(), await session.get_items(2)]
    snapshot = await session._get_compaction_snapshot(3)
    answers += [await snapshot.replace_suffix(1, [said("all of it")]), await session.get_items()]
    await session._atomic_replace_items([said("all of it")])
    answers += [await session.get_items(), await session.clear_session(), await session.get_items()]
    return answers


CALLED = {"type": "function_call", "call_id": "c2", "name": "book", "arguments": "{}"}
ANSWERS = [
    *(TURN, TURN[-1]),
    *({"type": "function_call_output", "call_id": "c2", "output": "12B"}, [CALLED]),
    *(True, [*TURN[:2], said("all of it")]),
    *([said("all of it")], None, []),
]


async def test_an_answer_that_is_lost_stores_nothing_twice(migrated_database: str, user_id: str) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url) as store:
        session: Any = ChatSession("rome", store.for_user(user_id))
        await session.add_items(TURN)
        relay.cut_next(b"And back")
        await session.add_items([asked("And back")])

        assert relay.cuts == 1
        assert await session.get_items() == [*TURN, asked("And back")]


@pytest.mark.parametrize("arrives", [True, False], ids=["after it was done", "before it was done"])
async def test_a_pop_whose_answer_is_lost_takes_one_item(migrated_database: str, user_id: str, arrives: bool) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url) as store:
        session: Any = ChatSession("rome", store.for_user(user_id))
        await session.add_items([asked("Hi"), *TURN])
        assert await session.pop_item() == TURN[-1]
        before, relay.delay = relay.turns, 0.05
        popping = asyncio.create_task(session.pop_item())
        while relay.turns == before:
            await asyncio.sleep(0.001)
        relay.cut_next(arrives=arrives)  # what comes next is the deletion

        assert await popping == TURN[-2]
        assert relay.cuts == 1
        assert await session.get_items() == [asked("Hi"), *TURN[:-2]]


async def test_a_store_that_encrypts_answers_the_same(migrated_database: str, user_id: str) -> None:
    encryption = Encryption(KeyRing({"2026-11": b"k" * 32}, current="2026-11"))
    async with ChatStore(migrated_database, encryption=encryption) as store:
        answers = await do_everything(store, user_id)
        await store.for_user(user_id).erase()  # with the key, which no other test's ring opens

    assert answers == ANSWERS


async def test_a_store_behind_a_pooler_answers_the_same(migrated_database: str, user_id: str) -> None:
    async with ChatStore(migrated_database, profile="pgbouncer") as store:
        assert await do_everything(store, user_id) == ANSWERS


async def test_a_role_that_may_only_append_adds_and_reads(database_url: str, user_id: str) -> None:
    async with (
        new_walled_database(database_url) as walled,
        ChatStore(walled.application, row_level_security=True) as store,
    ):
        session: Any = ChatSession("rome", store.for_user(user_id))
        await session.add_items(TURN)

        with pytest.raises(InsufficientPrivilege):
            await session.pop_item()
        assert await session.get_items() == TURN
