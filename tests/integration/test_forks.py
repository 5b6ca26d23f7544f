"""Forks: what was said up to a position, once more, to go on from there in another way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import (
    ChatStore,
    ConcurrentAppend,
    ConversationChanged,
    ConversationConflict,
    ConversationLoad,
    ConversationNotFound,
    ConversationRead,
    MessageCreate,
    MessageRead,
    ToolCall,
    UserChats,
)
from chat_persistence.identifiers import uuid7


def said(*contents: str) -> list[MessageCreate]:
    return [MessageCreate(role="user", content=content) for content in contents]


async def contents(chat: UserChats, id: UUID) -> list[str]:
    return [message.content for message in await chat.messages.last(id)]


@pytest.fixture
async def source(chat: UserChats) -> ConversationRead:
    """A conversation of three messages."""
    conversation = await chat.conversations.create(title="Rome", metadata={"channel": "web"})
    await chat.messages.append(conversation.id, *said("one", "two", "three"))
    return await chat.conversations.get(conversation.id)


async def test_a_fork_has_what_was_said_up_to_a_position_and_its_lineage(
    chat: UserChats, source: ConversationRead
) -> None:
    fork = await chat.conversations.fork(source.id, 2)

    assert fork == await chat.conversations.get(fork.id)
    assert (fork.forked_from, fork.forked_position) == (source.id, 2)
    assert (fork.title, fork.metadata, fork.archived_at) == ("Rome", {"channel": "web"}, None)
    assert (fork.last_position, fork.message_count) == (2, 2)
    assert source.updated_at < fork.updated_at
    assert source.created_at == fork.created_at
    assert await contents(chat, fork.id) == ["one", "two"]
    assert await chat.conversations.get(source.id) == source


async def test_a_copy_is_the_same_but_for_its_conversation_and_its_id(
    chat: UserChats, source: ConversationRead
) -> None:
    call = ToolCall(id="c1", name="look", arguments="{}", result=None)
    full: dict[str, Any] = {"native": {"b": 1, "a": [2]}, "metadata": {"model": "m"}, "token_count": 7}
    await chat.messages.append(source.id, MessageCreate(role="assistant", tool_calls=[call], **full))

    fork = await chat.conversations.fork(source.id, 4)

    messages, copies = await chat.messages.last(source.id), await chat.messages.last(fork.id)
    assert [
        replace(copy, conversation_id=source.id, id=messages[nth].id) for nth, copy in enumerate(copies)
    ] == messages
    assert {copy.conversation_id for copy in copies} == {fork.id}


async def test_a_fork_and_its_source_share_no_fate(chat: UserChats, source: ConversationRead) -> None:
    fork = await chat.conversations.fork(source.id, 2)

    (edited,) = await chat.messages.append(fork.id, *said("3"))
    await chat.messages.rewind(source.id, 1)
    await chat.conversations.delete(source.id)

    assert edited.position == 3
    assert await contents(chat, fork.id) == ["one", "two", "3"]
    assert (await chat.conversations.get(fork.id)).forked_from == source.id


async def test_an_archived_conversation_is_forked_into_one_that_is_not(
    chat: UserChats, source: ConversationRead
) -> None:
    await chat.conversations.archive(source.id)

    fork = await chat.conversations.fork(source.id, 3, title="Oslo")

    assert (fork.archived_at, fork.title) == (None, "Oslo")


async def test_a_fork_at_the_beginning_is_empty(chat: UserChats, source: ConversationRead) -> None:
    fork = await chat.conversations.fork(source.id, 0)

    assert (fork.last_position, fork.message_count, await contents(chat, fork.id)) == (0, 0, [])
    assert (await chat.messages.append(fork.id, *said("1")))[0].position == 1


async def test_a_fork_where_the_log_was_rewound_goes_on_after_it(chat: UserChats, source: ConversationRead) -> None:
    await chat.messages.rewind(source.id, 1)  # which takes position 4

    fork = await chat.conversations.fork(source.id, 3)

    assert (fork.last_position, fork.message_count) == (3, 1)
    assert (await chat.messages.append(fork.id, *said("4")))[0].position == 4


async def test_a_fork_of_a_fork_names_the_fork(chat: UserChats, source: ConversationRead) -> None:
    fork = await chat.conversations.fork(source.id, 2)
    second = await chat.conversations.fork(fork.id, 1)

    assert (second.forked_from, second.forked_position) == (fork.id, 1)
    assert await contents(chat, second.id) == ["one"]


async def test_the_same_fork_again_is_returned_as_it_is_also_when_its_source_is_gone(
    chat: UserChats, source: ConversationRead
) -> None:
    fork_id = uuid7()
    await chat.conversations.fork(source.id, 2, fork_id=fork_id)
    await chat.messages.append(fork_id, *said("3"))
    moved_on = await chat.conversations.rename(fork_id, "Oslo")

    assert await chat.conversations.fork(source.id, 2, fork_id=fork_id, title="Rome") == moved_on
    await chat.conversations.delete(source.id)
    assert await chat.conversations.fork(source.id, 2, fork_id=fork_id) == moved_on


async def test_a_fork_made_again_after_it_was_deleted_has_the_same_ids(
    chat: UserChats, source: ConversationRead
) -> None:
    fork = await chat.conversations.fork(source.id, 3)
    first = await chat.messages.last(fork.id)
    await chat.conversations.delete(fork.id)

    await chat.conversations.fork(source.id, 3, fork_id=fork.id)

    assert await chat.messages.last(fork.id) == first


@pytest.mark.parametrize("inside", ["alone", "unit of work"])
async def test_an_id_that_is_stored_as_something_else_is_a_conflict(
    store: ChatStore, chat: UserChats, user_id: str, source: ConversationRead, inside: str
) -> None:
    fork = await chat.conversations.fork(source.id, 2)
    others = [(source.id, fork.id, 1), (fork.id, fork.id, 2), (source.id, source.id, 2)]

    async def refused(fork_of: Callable[..., Awaitable[Any]], id: UUID, fork_id: UUID, position: int) -> UUID:
        with pytest.raises(ConversationConflict) as caught:
            await fork_of(id, position, fork_id=fork_id)
        return caught.value.conversation_id

    if inside == "alone":
        told = [await refused(chat.conversations.fork, *other) for other in others]
    else:
        async with store.unit_of_work(user_id) as work:
            told = [await refused(work.conversations.fork, *other) for other in others]

    assert told == [fork.id, fork.id, source.id]
    assert await contents(chat, fork.id) == ["one", "two"]


async def test_a_position_that_the_log_has_not_come_to_is_refused(chat: UserChats, source: ConversationRead) -> None:
    fork_id = uuid7()
    with pytest.raises(ConversationChanged) as caught:
        await chat.conversations.fork(source.id, 4, fork_id=fork_id)

    found = caught.value.conversation_id, caught.value.expected_position, caught.value.last_position
    assert found == (source.id, 4, 3)
    with pytest.raises(ConversationNotFound):
        await chat.conversations.get(fork_id)


async def test_two_equal_forks_at_once_are_one(chat: UserChats, source: ConversationRead) -> None:
    for _ in range(10):
        fork_id = uuid7()
        forks = await asyncio.gather(*[chat.conversations.fork(source.id, 3, fork_id=fork_id) for _ in range(8)])

        assert forks == [await chat.conversations.get(fork_id)] * 8
        assert await contents(chat, fork_id) == ["one", "two", "three"]


async def test_a_fork_waits_for_the_unit_of_work_that_makes_the_same_one(
    store: ChatStore, chat: UserChats, user_id: str, source: ConversationRead
) -> None:
    fork_id = uuid7()
    async with store.unit_of_work(user_id) as work:
        made = await work.conversations.fork(source.id, 2, fork_id=fork_id)
        second = asyncio.create_task(chat.conversations.fork(source.id, 2, fork_id=fork_id))
        await asyncio.sleep(0.1)
        assert not second.done()

    assert await second == made


async def test_a_fork_that_waited_is_found_also_when_its_source_is_gone_by_then(
    store: ChatStore, chat: UserChats, user_id: str, source: ConversationRead
) -> None:
    fork_id = uuid7()
    async with store.unit_of_work(user_id) as work:
        made = await work.conversations.fork(source.id, 2, fork_id=fork_id)
        await work.conversations.delete(source.id)
        second = asyncio.create_task(chat.conversations.fork(source.id, 2, fork_id=fork_id))
        await asyncio.sleep(0.1)

    assert await second == made


async def test_a_fork_is_never_refused_for_a_position_that_the_log_has(chat: UserChats) -> None:
    """The log comes there while the fork looks: the fork is before it or after it, and nothing else."""
    for number in range(200):
        source = await chat.conversations.create()
        forking = asyncio.create_task(chat.conversations.fork(source.id, 1))
        await asyncio.sleep(number % 20 / 10_000)
        await chat.messages.append(source.id, *said("x"))
        (told,) = await asyncio.gather(forking, return_exceptions=True)

        if not isinstance(told, ConversationRead):
            assert isinstance(told, ConversationChanged), told
            assert told.last_position == 0


async def test_a_fork_is_refused_before_its_id_was_taken_or_for_that(chat: UserChats) -> None:
    """It is taken by its own source, which is created meanwhile: before it or after it, and nothing else."""
    for number in range(200):
        id = uuid4()
        forking = asyncio.create_task(chat.conversations.fork(id, 6, fork_id=id))
        await asyncio.sleep(number % 20 / 10_000)
        await chat.conversations.create(id=id)
        (told,) = await asyncio.gather(forking, return_exceptions=True)

        assert isinstance(told, ConversationNotFound | ConversationConflict), told


async def test_a_fork_waits_for_the_deletion_of_what_has_its_id_and_is_made_anew(
    store: ChatStore, chat: UserChats, user_id: str, source: ConversationRead
) -> None:
    fork = await chat.conversations.fork(source.id, 2)
    await chat.messages.append(fork.id, *said("3"))
    async with store.unit_of_work(user_id) as work:
        await work.conversations.delete(fork.id)
        second = asyncio.create_task(chat.conversations.fork(source.id, 2, fork_id=fork.id))
        await asyncio.sleep(0.1)
        assert not second.done()

    assert await second == await chat.conversations.get(fork.id)
    assert await contents(chat, fork.id) == ["one", "two"]


async def test_what_befalls_the_source_meanwhile_is_in_the_fork_or_not(chat: UserChats) -> None:
    """Appends, rewinds and forks at once: each fork holds the log as it was at one moment."""
    source = await chat.conversations.create()
    await chat.messages.append(source.id, *said(*map(str, range(1, 21))))

    async def change() -> None:
        for number in range(20):
            await chat.messages.append(source.id, *said("a", "b"))
            await chat.messages.rewind(source.id, 20 - number)

    async def fork() -> ConversationRead:
        return await chat.conversations.fork(source.id, 20)

    changing = asyncio.create_task(change())
    forks = [made for _ in range(20) for made in await asyncio.gather(fork(), fork())]
    await changing

    for made in forks:
        positions = [message.position async for message in chat.messages.iterate(made.id)]
        assert made.message_count == len(positions)
        assert positions == list(range(1, len(positions) + 1))


async def test_a_source_that_is_deleted_meanwhile_is_forked_whole_or_not_at_all(chat: UserChats) -> None:
    whole = 0
    for _ in range(20):
        source = await chat.conversations.create()
        await chat.messages.append(source.id, *said(*map(str, range(50))))
        forked, _ = await asyncio.gather(
            chat.conversations.fork(source.id, 50), chat.conversations.delete(source.id), return_exceptions=True
        )
        if isinstance(forked, ConversationRead):
            whole += 1
            assert len(await contents(chat, forked.id)) == 50
        else:
            assert isinstance(forked, ConversationNotFound)
    print(f"{whole} of 20 forks were made before their source was deleted")


async def test_the_ids_of_the_copies_are_version_7_of_the_forks_own_time(
    chat: UserChats, source: ConversationRead
) -> None:
    fork = await chat.conversations.fork(source.id, 3)
    second = await chat.conversations.fork(source.id, 3)

    ids = [[message.id for message in await chat.messages.last(each.id)] for each in (source, fork, second)]

    assert {(id.version, id.variant) for id in ids[1]} == {(7, fork.id.variant)}
    assert {id.int >> 80 for id in ids[1]} == {fork.id.int >> 80}
    assert len({id for three in ids for id in three}) == 9


async def test_what_is_copied_is_every_column_there_is(
    chat: UserChats, source: ConversationRead, connection: asyncpg.Connection
) -> None:
    await chat.messages.append(
        source.id, MessageCreate(role="user", content="x\x00\ud800", native=[1], metadata={"a": 1}, token_count=1)
    )
    fork = await chat.conversations.fork(source.id, 4)

    query = "SELECT * FROM messages WHERE conversation_id = $1 ORDER BY position"
    rows = [dict(row) for row in await connection.fetch(query, source.id)]
    copies = [dict(row) for row in await connection.fetch(query, fork.id)]

    assert [row | {"id": 0, "conversation_id": 0} for row in rows] == [
        copy | {"id": 0, "conversation_id": 0} for copy in copies
    ]


async def test_a_loaded_time_that_is_yet_to_come_keeps_its_order(store: ChatStore, user_id: str) -> None:
    future, id = datetime(2100, 1, 1, tzinfo=UTC), uuid7()
    await store.load([ConversationLoad(user_id=user_id, id=id, messages=said("x"), updated_at=future)])

    fork = await store.for_user(user_id).conversations.fork(id, 1)

    assert fork.updated_at == future


names = st.sampled_from("abcd")
changes = st.lists(
    st.one_of(
        st.tuples(st.just("append"), names, st.integers(1, 3), names),
        st.tuples(st.just("rewind"), names, st.integers(0, 8), names),
        st.tuples(st.just("delete"), names, st.just(0), names),
        st.tuples(st.just("fork"), names, st.integers(0, 8), names),
        st.tuples(st.just("fork"), names, st.integers(0, 8), names),
    ),
    max_size=15,
)


class Log:
    """A conversation of the model."""

    def __init__(self, lineage: tuple[str, int] | None, entries: dict[int, str], last_position: int) -> None:
        self.lineage, self.entries, self.last_position = lineage, entries, last_position

    def append(self, contents: list[str]) -> None:
        for content in contents:
            self.last_position += 1
            self.entries[self.last_position] = content

    def rewind(self, position: int) -> None:
        left = {place: content for place, content in self.entries.items() if place <= position}
        self.last_position += len(left) < len(self.entries)
        self.entries = left


def expected_of_fork(logs: dict[str, Log], name: str, position: int, new: str) -> type[Exception] | None:
    if new in logs:
        return None if logs[new].lineage == (name, position) else ConversationConflict
    if name not in logs:
        return ConversationNotFound
    if position > logs[name].last_position:
        return ConversationChanged
    shared = {place: content for place, content in logs[name].entries.items() if place <= position}
    logs[new] = Log((name, position), shared, position)
    return None


@given(changes=changes)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_forks_and_their_sources_are_those_of_a_model(
    store: ChatStore, changes: list[tuple[str, str, int, str]]
) -> None:
    chat = store.for_user(f"fork-{uuid4()}")
    ids = {name: uuid7() for name in "abcd"}
    logs = {"a": Log(None, {}, 0)}
    await chat.conversations.create(id=ids["a"])
    for nth, (change, name, number, new) in enumerate(changes):
        if change == "fork":
            error = expected_of_fork(logs, name, number, new)
            assert await told(chat.conversations.fork(ids[name], number, fork_id=ids[new])) is error
        elif name not in logs:
            continue
        elif change == "append":
            contents = [f"{nth}.{part}" for part in range(number)]
            logs[name].append(contents)
            await chat.messages.append(ids[name], *said(*contents))
        elif change == "rewind":
            logs[name].rewind(number)
            await chat.messages.rewind(ids[name], number)
        else:
            del logs[name]
            await chat.conversations.delete(ids[name])

        found = {each.id: each for each in (await chat.conversations.page(10)).items}
        assert {name: await seen(chat, found[ids[name]], ids) for name in logs} == {
            name: (log.lineage, log.last_position, len(log.entries), log.entries) for name, log in logs.items()
        }
        assert len(found) == len(logs)


async def told(call: Awaitable[Any]) -> type[Exception] | None:
    try:
        await call
    except (ConversationConflict, ConversationNotFound, ConversationChanged, ConcurrentAppend) as error:
        return type(error)
    return None


async def seen(chat: UserChats, found: ConversationRead, ids: dict[str, UUID]) -> Any:
    messages: list[MessageRead] = [message async for message in chat.messages.iterate(found.id)]
    names = {id: name for name, id in ids.items()}
    lineage = None if found.forked_from is None else (names[found.forked_from], found.forked_position)
    entries = {message.position: message.content for message in messages}
    return lineage, found.last_position, found.message_count, entries
