"""Receivers of replies who are cancelled: what they were given is one message, whenever it happens."""

import asyncio
from uuid import UUID, uuid4

import anyio
import asyncpg
import pytest

from chat_persistence import ChatStore, ConversationRead, MessageRead, UserChats

TOKENS = ("A ", "train ", "to ", "Rome")
MOMENTS = 60


async def receive(chat: UserChats, conversation_id: UUID, id: UUID, handed_over: list[str]) -> None:
    async with chat.drafts.begin(conversation_id, id=id) as reply:
        for token in TOKENS:
            await reply.write(token)
            handed_over.append(token)
            await reply.flush()
        await reply.finish()


async def settled(chat: UserChats, conversation_id: UUID, id: UUID) -> MessageRead | None:
    """Return the message, once nothing is under way."""
    async with asyncio.timeout(10):
        while others := [task for task in asyncio.all_tasks() if "OwnedTasks" in repr(task.get_coro())]:
            await asyncio.wait(others)
    found = {message.id: message async for message in chat.messages.iterate(conversation_id)}
    return found.get(id)


async def pass_time(moment: int) -> None:
    """Let some turns of the loop pass, and then some time."""
    for _ in range(moment):
        await asyncio.sleep(0)
    await asyncio.sleep(max(0, moment - MOMENTS // 2) * 0.0005)


@pytest.mark.parametrize("how", ["a task", "a scope of anyio"])
async def test_whenever_it_happens_what_was_handed_over_is_one_message(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection, how: str
) -> None:
    scopes: list[anyio.CancelScope] = []

    async def in_scope(id: UUID, handed_over: list[str]) -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await receive(chat, conversation.id, id, handed_over)

    for moment in range(MOMENTS):
        id, handed_over = uuid4(), list[str]()
        receiving = asyncio.create_task(in_scope(id, handed_over))
        await pass_time(moment)
        if how == "a task":
            receiving.cancel()
        elif scopes:
            scopes.pop().cancel()
        await asyncio.wait((receiving,))
        message = await settled(chat, conversation.id, id)

        content = "" if message is None else message.content
        assert "".join(TOKENS).startswith(content)
        assert content.startswith("".join(handed_over)), moment
        assert await connection.fetchval("SELECT count(*) FROM drafts WHERE id = $1", id) == 0


async def test_a_reply_whose_end_waits_for_a_connection_is_stored_though_its_receiver_leaves(
    migrated_database: str, chat: UserChats, conversation: ConversationRead
) -> None:
    other = await chat.conversations.create()
    async with ChatStore(migrated_database, pool_size=1) as store:
        mine = store.for_user(conversation.user_id)
        await mine.messages.last(other.id)
        holder = store.unit_of_work(conversation.user_id)
        async with holder as work:
            await work.messages.last(other.id)
            receiving = asyncio.create_task(_receive_at_once(mine, conversation.id))
            await asyncio.sleep(0.05)
            receiving.cancel()
            await asyncio.sleep(0.05)
            assert not receiving.done()
        await asyncio.wait((receiving,))

    assert receiving.cancelled()
    assert [(each.content, each.metadata) for each in await chat.messages.last(conversation.id)] == [("Hi", None)]


async def _receive_at_once(chat: UserChats, conversation_id: UUID) -> None:
    async with chat.drafts.begin(conversation_id) as reply:
        await reply.write("Hi")


async def test_a_store_that_closes_sees_a_reply_to_its_end_that_breaks_off_meanwhile(
    migrated_database: str, chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    """As at the shutdown of a server: a part is under way, and the message comes after it."""
    async with ChatStore(migrated_database, pool_size=1) as store:
        mine = store.for_user(conversation.user_id)
        with anyio.CancelScope() as scope:
            async with mine.drafts.begin(conversation.id, flush_chars=1) as reply:
                await reply.write("A train")
                await asyncio.sleep(0)
                await reply.write(" to Rome")
                scope.cancel()
                await anyio.sleep(60)

    assert [each.content for each in await chat.messages.last(conversation.id)] == ["A train to Rome"]
    assert await connection.fetchval("SELECT count(*) FROM drafts WHERE id = $1", reply.id) == 0
