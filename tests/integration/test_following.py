"""Following a conversation: everything after a position comes once, in order, by whatever process it is stored."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import (
    ChatStore,
    ConversationNotFound,
    ConversationRead,
    InvalidInput,
    MessageCreate,
    MessageRead,
    StoreClosed,
    StoreUnavailable,
    UserChats,
    make_host_engine,
)
from chat_persistence.selftest.pgbouncer import obstacle, pooled, version
from chat_persistence.selftest.relay import Relay
from tests.following import following, hearing, is_leased, until
from tests.roles import new_walled_database

WAYS = ("told", "looking", "on a host's engine")


def say(*words: str) -> list[MessageCreate]:
    return [MessageCreate(role="user", content=word) for word in words]


@pytest.fixture(params=WAYS)
async def reader(
    request: pytest.FixtureRequest, migrated_database: str, host_engine: AsyncEngine
) -> AsyncIterator[ChatStore]:
    """A store of another process, as it were: it shares nothing with the one that writes."""
    ways: dict[str, Any] = {
        "told": {"url": migrated_database},
        "looking": {"url": migrated_database, "profile": "pgbouncer"},
        "on a host's engine": {"engine": host_engine},
    }
    async with ChatStore(**ways[request.param]) as store:
        yield store


async def test_what_is_there_comes_and_then_what_is_stored(
    reader: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    await chat.messages.append(conversation.id, *say("a", "b", "c"))

    async with following(reader.for_user(user_id).messages.follow(conversation.id, after=1)) as follower:
        assert await follower.reach(2) == ["b", "c"]
        for word in "de":
            await chat.messages.append(conversation.id, *say(word))
            await follower.reach(len(follower.seen) + 1)
        stored = await chat.messages.last(conversation.id)

    assert follower.seen == stored[1:]


async def test_without_a_position_only_what_is_new_comes(
    reader: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    await chat.messages.append(conversation.id, *say("old"))
    new = reader.for_user(user_id).messages.follow(conversation.id)

    async with following(new) as follower, following(repeated(chat, conversation.id)):
        await follower.reach(1)
        positions = [message.position for message in follower.seen]

    assert positions[0] > 1
    assert "old" not in [message.content for message in follower.seen]


async def repeated(chat: UserChats, id: UUID) -> AsyncGenerator[MessageRead, None]:
    """Store something now and then: from outside nobody can tell when a reader has begun."""
    while True:
        for message in await chat.messages.append(id, *say("new")):
            yield message
        await asyncio.sleep(0.05)


async def test_more_than_a_page_comes_and_nothing_twice(
    reader: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    words = [str(number) for number in range(450)]
    await chat.messages.append(conversation.id, *say(*words[:400]))

    async with following(reader.for_user(user_id).messages.follow(conversation.id, after=0)) as follower:
        await follower.reach(400)
        await chat.messages.append(conversation.id, *say(*words[400:]))
        assert await follower.reach(450) == words


async def test_what_comes_after_a_position_that_is_not_reached_yet_is_waited_for(
    reader: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    async with following(reader.for_user(user_id).messages.follow(conversation.id, after=2)) as follower:
        await chat.messages.append(conversation.id, *say("a", "b", "c"))

        assert await follower.reach(1) == ["c"]


async def test_what_is_stored_after_a_rewind_comes(
    reader: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    await chat.messages.append(conversation.id, *say("question", "bad answer"))

    async with following(reader.for_user(user_id).messages.follow(conversation.id, after=0)) as follower:
        await follower.reach(2)
        await chat.messages.rewind(conversation.id, 1)
        await chat.messages.append(conversation.id, *say("good answer"))

        assert await follower.reach(3) == ["question", "bad answer", "good answer"]
    assert [message.position for message in follower.seen] == [1, 2, 4]


async def test_a_conversation_that_is_not_there_cannot_be_followed(reader: ChatStore, user_id: str) -> None:
    missing = uuid4()

    with pytest.raises(ConversationNotFound) as caught:
        await anext(reader.for_user(user_id).messages.follow(missing))

    assert caught.value.conversation_id == missing


@pytest.mark.parametrize("is_made_anew", [False, True])
async def test_one_that_is_deleted_ends_it_also_when_another_has_its_id_by_now(
    reader: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead, is_made_anew: bool
) -> None:
    await chat.messages.append(conversation.id, *say("a"))

    async with following(reader.for_user(user_id).messages.follow(conversation.id, after=0)) as follower:
        await follower.reach(1)
        await chat.conversations.delete(conversation.id)
        if is_made_anew:
            await chat.messages.append(conversation.id, *say("x", "y"), create_conversation=True)
        with pytest.raises(ConversationNotFound):
            await follower.reach(2)

    assert len(follower.seen) == 1


async def test_a_store_that_is_closed_sends_its_readers_home_at_once(
    migrated_database: str, conversation: ConversationRead, user_id: str
) -> None:
    for profile in ("direct", "pgbouncer"):
        async with ChatStore(migrated_database, profile=profile) as reader:
            messages = reader.for_user(user_id).messages
            tasks = [asyncio.ensure_future(anext(messages.follow(conversation.id))) for _ in range(3)]
            await asyncio.sleep(0.3)
        async with asyncio.timeout(0.05):
            answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [StoreClosed] * 3


async def test_in_a_unit_of_work_it_is_refused(store: ChatStore, user_id: str, conversation: ConversationRead) -> None:
    async with store.unit_of_work(user_id) as work:
        with pytest.raises(InvalidInput, match="for_user"):
            work.messages.follow(conversation.id)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"conversation_id": "x"}, "conversation_id"),
        ({"after": -1}, "after"),
        ({"after": "cursor"}, "after"),
        ({"patience": -1}, "patience"),
        ({"patience": math.nan}, "patience"),
        ({"patience": "long"}, "patience"),
    ],
)
def test_what_cannot_be_followed_is_refused_at_once(chat: UserChats, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        chat.messages.follow(**{"conversation_id": uuid4(), **wrong})

    assert caught.value.field == field


async def test_a_server_that_is_gone_is_waited_for_as_long_as_is_said(
    migrated_database: str, user_id: str, conversation: ConversationRead
) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url:
        reader = ChatStore(url)
        await reader.__aenter__()
        messages = reader.for_user(user_id).messages
        await messages.last(conversation.id)
    relay.drop_all()
    loop = asyncio.get_running_loop()
    for patience in (0.0, 0.5):
        began = loop.time()
        with pytest.raises(StoreUnavailable):
            await anext(messages.follow(conversation.id, patience=patience))
        assert loop.time() - began >= patience
    await reader.aclose()


async def test_connections_that_are_cut_again_and_again_cost_nobody_a_message(
    migrated_database: str, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url) as reader:
        async with following(reader.for_user(user_id).messages.follow(conversation.id, after=0)) as follower:
            for number in range(60):
                await chat.messages.append(conversation.id, *say(str(number)))
                if number % 6 == 0:
                    relay.drop_all()
                await asyncio.sleep(0.01)
            await follower.reach(60)
        stored = [message async for message in chat.messages.iterate(conversation.id)]

    assert follower.seen == stored


async def test_a_row_that_somebody_holds_keeps_nobody_from_reading(
    migrated_database: str,
    chat: UserChats,
    user_id: str,
    conversation: ConversationRead,
    connection: asyncpg.Connection,
) -> None:
    """Nor does its lease wait for the row, on one of the pool's connections."""
    await chat.messages.append(conversation.id, *say("a"))

    async with ChatStore(migrated_database, pool_size=1) as reader, connection.transaction():
        await connection.execute("SELECT FROM conversations WHERE id = $1 FOR UPDATE", conversation.id)
        async with following(reader.for_user(user_id).messages.follow(conversation.id, after=0)) as follower:
            assert await follower.reach(1) == ["a"]
            await asyncio.sleep(0.3)
            async with asyncio.timeout(1):
                await reader.users(limit=1)


@pytest.mark.parametrize("may_lease", [True, False])
async def test_row_level_security_lets_its_user_follow(database_url: str, may_lease: bool) -> None:
    """And a role whose rights are from before there were leases, looks."""
    async with (
        new_walled_database(database_url) as walled,
        ChatStore(walled.application, row_level_security=True) as store,
    ):
        chat = store.for_user("ada")
        conversation = await chat.conversations.create()
        owner = await asyncpg.connect(walled.owner)
        if not may_lease:
            await owner.execute(f"REVOKE UPDATE (followed_until) ON conversations FROM {walled.application_role}")
        async with following(chat.messages.follow(conversation.id)) as follower:
            if may_lease:
                await until(lambda: is_leased(owner, "ada"))
            else:
                await asyncio.sleep(0.5)
            await chat.messages.append(conversation.id, *say("a"))
            seen = await follower.reach(1)
        with pytest.raises(ConversationNotFound):
            await anext(store.for_user("bob").messages.follow(conversation.id))
        await owner.close()

    assert seen == ["a"]


@pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))
@pytest.mark.parametrize("mode", ["found", "taken for a server", "in session mode", "by a host's engine"])
async def test_behind_a_pooler_it_is_looked_for_and_none_of_the_servers_connections_listens(
    migrated_database: str,
    chat: UserChats,
    user_id: str,
    conversation: ConversationRead,
    connection: asyncpg.Connection,
    mode: str,
) -> None:
    """Whoever listened there would make somebody else's connection listen."""
    if mode == "taken for a server" and version() < (1, 21):
        pytest.skip("needs PgBouncer 1.21 or later, which keeps statements for its clients")
    profile: Any = None if mode == "found" else "direct"
    pool_mode: Any = "session" if mode == "in session mode" else "transaction"
    async with (
        pooled(migrated_database, pool_mode=pool_mode, kept_statements=100) as (url, _),
        AsyncExitStack() as stack,
    ):
        if mode == "by a host's engine":
            engine = make_host_engine(url)
            stack.push_async_callback(engine.dispose)
            reader = await stack.enter_async_context(ChatStore(engine=engine))
        else:
            reader = await stack.enter_async_context(ChatStore(url, profile=profile, pool_size=2))
        async with following(reader.for_user(user_id).messages.follow(conversation.id, after=0)) as follower:
            await asyncio.sleep(0.3)
            await chat.messages.append(conversation.id, *say("a"))
            assert await follower.reach(1) == ["a"]
            listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE $1"
            assert await connection.fetchval(listening, "LISTEN%") == 0


async def test_who_leaves_the_loop_or_closes_it_may_begin_again_where_that_was(
    chat: UserChats, conversation: ConversationRead
) -> None:
    await chat.messages.append(conversation.id, *say("a", "b", "c"))
    seen: list[MessageRead] = []
    for _ in range(3):
        async with aclosing(chat.messages.follow(conversation.id, after=len(seen))) as messages:
            async for message in messages:
                seen.append(message)
                break

    assert [message.content for message in seen] == ["a", "b", "c"]


async def test_somebody_elses_of_the_same_id_is_not_followed(
    migrated_database: str, store: ChatStore, chat: UserChats, user_id: str, conversation: ConversationRead
) -> None:
    """Neither read nor announced, nor is it said to be followed."""
    neighbour = store.for_user(f"neighbour-{uuid4()}")
    await neighbour.conversations.create(id=conversation.id)
    looker = await asyncpg.connect(migrated_database)

    async with following(chat.messages.follow(conversation.id)) as follower, hearing(migrated_database) as heard:
        await until(lambda: is_leased(looker, user_id))
        await neighbour.messages.append(conversation.id, *say("private"))
        await chat.messages.append(conversation.id, *say("mine"))
        assert await follower.reach(1) == ["mine"]
        await until(lambda: bool(heard))
        rows = await looker.fetch(
            "SELECT user_id FROM conversations WHERE id = $1 AND followed_until IS NOT NULL", conversation.id
        )
    await looker.close()

    assert [row["user_id"] for row in rows] == [user_id]
    assert len(heard) == 1
