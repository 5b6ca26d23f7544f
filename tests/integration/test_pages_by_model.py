"""Pages, cursors and last-N against a plain list, while others append."""

import asyncio
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, MessageCreate, MessageRead, UserChats

settings.register_profile(
    "database", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
database = settings.get_profile("database")


def message(number: int = 0) -> MessageCreate:
    return MessageCreate(role="user", content=str(number))


async def someone_with(store: ChatStore, count: int) -> tuple[UserChats, UUID, list[MessageRead]]:
    """Return a user, a conversation and its messages."""
    chat = store.for_user(f"model-{uuid4()}")
    conversation = await chat.conversations.create()
    stored = await chat.messages.append(conversation.id, *map(message, range(count))) if count else []
    return chat, conversation.id, stored


async def append_meanwhile(chat: UserChats, conversation_id: UUID, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await chat.messages.append(conversation_id, message())


@given(count=st.integers(0, 30), limit=st.integers(1, 40))
@settings(database)
async def test_last_n_is_the_end_of_the_list(store: ChatStore, count: int, limit: int) -> None:
    chat, conversation_id, stored = await someone_with(store, count)

    assert await chat.messages.last(conversation_id, limit) == stored[-limit:]


@given(count=st.integers(0, 30), limit=st.integers(1, 10))
@settings(database)
async def test_older_pages_put_together_are_the_list_while_others_append(
    store: ChatStore, count: int, limit: int
) -> None:
    chat, conversation_id, stored = await someone_with(store, count)
    stop = asyncio.Event()
    appending = asyncio.create_task(append_meanwhile(chat, conversation_id, stop))

    pages: list[list[MessageRead]] = []
    cursor: str | int | None = count + 1
    while cursor is not None:
        page = await chat.messages.page(conversation_id, limit, before=cursor)
        pages.insert(0, list(page.items))
        cursor = page.next_cursor
    stop.set()
    await appending

    assert [item for page in pages for item in page] == stored
    assert all(len(page) == limit for page in pages[1:])


@given(count=st.integers(0, 30), limit=st.integers(1, 10), start=st.integers(0, 35))
@settings(database)
async def test_newer_pages_put_together_are_the_rest_of_the_list(
    store: ChatStore, count: int, limit: int, start: int
) -> None:
    chat, conversation_id, stored = await someone_with(store, count)

    seen: list[MessageRead] = []
    cursor: str | int | None = start
    while cursor is not None:
        page = await chat.messages.page(conversation_id, limit, after=cursor)
        seen.extend(page.items)
        cursor = page.next_cursor

    assert seen == stored[start:]


@given(
    changes=st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 5)),
            st.tuples(st.just("rewind"), st.integers(0, 30)),
        ),
        max_size=8,
    ),
    limit=st.integers(1, 10),
)
@settings(database)
async def test_appends_and_rewinds_are_those_of_a_list(
    store: ChatStore, changes: list[tuple[str, int]], limit: int
) -> None:
    chat, conversation_id, model = await someone_with(store, 0)
    last_position = 0
    for change, number in changes:
        if change == "append":
            model += await chat.messages.append(conversation_id, *map(message, range(number)))
            last_position += number
        else:
            kept = [item for item in model if item.position <= number]
            last_position += len(kept) < len(model)
            model = kept
            await chat.messages.rewind(conversation_id, number)

        conversation = await chat.conversations.get(conversation_id)
        assert (conversation.message_count, conversation.last_position) == (len(model), last_position)
        assert await chat.messages.last(conversation_id, limit) == model[-limit:]


@given(count=st.integers(0, 12), limit=st.integers(1, 5), archived=st.sets(st.integers(0, 11)))
@settings(database)
async def test_pages_of_conversations_put_together_are_the_list(
    store: ChatStore, count: int, limit: int, archived: set[int]
) -> None:
    chat = store.for_user(f"model-{uuid4()}")
    made = [(await chat.conversations.create()).id for _ in range(count)]
    hidden = [id for number, id in enumerate(made) if number in archived]
    for id in hidden:
        await chat.conversations.archive(id)

    for kind, expected in ((True, hidden), (False, [id for id in made if id not in hidden])):
        seen: list[UUID] = []
        cursor: str | None = None
        while True:
            page = await chat.conversations.page(limit, after=cursor, archived=kind)
            seen.extend(item.id for item in page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == expected[::-1]
