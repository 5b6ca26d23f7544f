"""What one can do with one's conversations."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from chat_persistence import (
    ChatStore,
    ConversationNotFound,
    ConversationRead,
    ConversationUpdate,
    InvalidInput,
    MessageCreate,
    UserChats,
)


async def test_a_new_conversation_is_empty_and_its_owners(chat: UserChats, user_id: str) -> None:
    conversation = await chat.conversations.create(title="Rome", metadata={"channel": "web"})

    assert (conversation.user_id, conversation.title) == (user_id, "Rome")
    assert (conversation.last_position, conversation.message_count) == (0, 0)
    assert conversation.metadata == {"channel": "web"}
    assert conversation.archived_at is None
    assert await chat.conversations.get(conversation.id) == conversation


async def test_creating_again_with_the_same_id_returns_what_is_there(chat: UserChats) -> None:
    first = await chat.conversations.create(title="Rome", metadata={"a": 1})

    again = await chat.conversations.create(id=first.id, title="Paris")

    assert again == first


async def test_creating_at_once_with_the_same_id_makes_one(chat: UserChats) -> None:
    conversation_id = uuid4()

    made = await asyncio.gather(*[chat.conversations.create(id=conversation_id) for _ in range(20)])

    assert all(conversation == made[0] for conversation in made)
    assert len((await chat.conversations.page()).items) == 1


async def test_a_conversation_that_never_was_is_not_found(chat: UserChats) -> None:
    missing = uuid4()

    with pytest.raises(ConversationNotFound) as caught:
        await chat.conversations.get(missing)

    assert caught.value.conversation_id == missing


async def test_conversations_page_by_newest_activity(chat: UserChats) -> None:
    made = [await chat.conversations.create(title=str(n)) for n in range(5)]
    await chat.messages.append(made[1].id, MessageCreate(role="user", content="bump"))

    first = await chat.conversations.page(2)
    second = await chat.conversations.page(2, after=first.next_cursor)
    third = await chat.conversations.page(2, after=second.next_cursor)

    titles = [item.title for page in (first, second, third) for item in page.items]
    assert titles == ["1", "4", "3", "2", "0"]
    assert third.next_cursor is None


async def test_the_listings_cursor_survives_rows_being_added(chat: UserChats) -> None:
    for n in range(4):
        await chat.conversations.create(title=str(n))
    first = await chat.conversations.page(2)
    await chat.conversations.create(title="new")

    second = await chat.conversations.page(2, after=first.next_cursor)

    assert [item.title for item in second.items] == ["1", "0"]


async def test_conversations_of_one_moment_are_paged_one_after_another(
    store: ChatStore, chat: UserChats, user_id: str
) -> None:
    async with store.unit_of_work(user_id) as work:
        made = [await work.conversations.create() for _ in range(5)]
    assert len({conversation.updated_at for conversation in made}) == 1

    read: list[ConversationRead] = []
    cursor = None
    while not read or cursor:
        page = await chat.conversations.page(2, after=cursor)
        read, cursor = [*read, *page.items], page.next_cursor

    assert read == sorted(made, key=lambda conversation: conversation.id, reverse=True)


async def test_archived_conversations_leave_the_default_listing(
    chat: UserChats, conversation: ConversationRead
) -> None:
    archived = await chat.conversations.archive(conversation.id)

    assert (await chat.conversations.page()).items == []
    assert (await chat.conversations.page(archived=True)).items == [archived]
    assert archived.archived_at is not None


async def test_archiving_again_keeps_the_time_and_unarchiving_takes_it_away(
    chat: UserChats, conversation: ConversationRead
) -> None:
    first = await chat.conversations.archive(conversation.id)
    second = await chat.conversations.archive(conversation.id)
    back = await chat.conversations.unarchive(conversation.id)

    assert second.archived_at == first.archived_at
    assert back.archived_at is None
    assert [item.id for item in (await chat.conversations.page()).items] == [conversation.id]


async def test_an_update_changes_only_the_fields_that_were_given(chat: UserChats) -> None:
    conversation = await chat.conversations.create(title="Rome", metadata={"a": 1})

    retitled = await chat.conversations.rename(conversation.id, "Paris")
    noted = await chat.conversations.update(conversation.id, ConversationUpdate(metadata={"b": [2]}))
    same = await chat.conversations.update(conversation.id, ConversationUpdate())

    assert (retitled.title, retitled.metadata) == ("Paris", {"a": 1})
    assert (noted.title, noted.metadata) == ("Paris", {"b": [2]})
    assert same == noted


async def test_updated_at_moves_with_every_change(chat: UserChats) -> None:
    seen = [await chat.conversations.create()]
    conversation_id = seen[0].id
    await chat.messages.append(conversation_id, MessageCreate(role="user", content="Hi"))
    seen.append(await chat.conversations.get(conversation_id))
    seen.append(await chat.conversations.rename(conversation_id, "Rome"))
    seen.append(await chat.conversations.archive(conversation_id))
    seen.append(await chat.conversations.unarchive(conversation_id))
    seen.append(await chat.messages.rewind(conversation_id, 0))

    times = [conversation.updated_at for conversation in seen]
    assert times == sorted(set(times))


async def test_updated_at_never_moves_backwards(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    await connection.execute(
        "UPDATE conversations SET updated_at = now() + interval '1 hour' WHERE user_id = $1 AND id = $2",
        conversation.user_id,
        conversation.id,
    )
    ahead = await chat.conversations.get(conversation.id)

    await chat.messages.append(conversation.id, MessageCreate(role="user", content="Hi"))

    assert (await chat.conversations.rename(conversation.id, "x")).updated_at == ahead.updated_at
    assert (await chat.messages.last(conversation.id))[0].created_at == ahead.updated_at


async def test_an_append_that_finds_the_conversation_it_would_have_made_moves_it_on(
    chat: UserChats, connection: asyncpg.Connection
) -> None:
    made = await chat.conversations.create()
    await chat.messages.append(made.id, MessageCreate(role="user", content="Rome"), create_conversation=True)
    moved = await chat.conversations.get(made.id)
    in_an_hour = await connection.fetchval(
        "UPDATE conversations SET updated_at = now() + interval '1 hour' WHERE id = $1 RETURNING updated_at", made.id
    )
    await chat.messages.append(made.id, MessageCreate(role="user", content="Paris"), create_conversation=True)

    assert (moved.title, moved.updated_at > made.updated_at) == ("Rome", True)
    assert (await chat.conversations.get(made.id)).updated_at >= in_an_hour


async def test_deleting_a_conversation_deletes_its_messages(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    (message,) = await chat.messages.append(conversation.id, MessageCreate(role="user", content="Hi"))

    await chat.conversations.delete(conversation.id)

    assert await chat.messages.last(conversation.id) == []
    assert await connection.fetchval("SELECT count(*) FROM messages WHERE id = $1", message.id) == 0
    with pytest.raises(ConversationNotFound):
        await chat.conversations.delete(conversation.id)


async def test_a_conversation_comes_with_its_newest_messages(chat: UserChats, conversation: ConversationRead) -> None:
    sent = [MessageCreate(role="user", content=str(n)) for n in range(5)]
    stored = await chat.messages.append(conversation.id, *sent)

    found = await chat.conversations.get_with_messages(conversation.id, 3)

    assert found.conversation == await chat.conversations.get(conversation.id)
    assert found.messages == stored[-3:]


async def test_an_empty_conversation_comes_with_no_messages(chat: UserChats, conversation: ConversationRead) -> None:
    found = await chat.conversations.get_with_messages(conversation.id)

    assert found.messages == []
    assert found.conversation == conversation


async def test_erasing_a_user_leaves_nothing_of_theirs_and_all_of_the_others(
    store: ChatStore, chat: UserChats, user_id: str, connection: asyncpg.Connection
) -> None:
    other = store.for_user(f"{user_id}-other")
    kept = await other.conversations.create()
    for _ in range(3):
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, MessageCreate(role="user", content="Hi"))

    erased = await chat.erase()

    rows = "SELECT count(*) FROM conversations FULL JOIN messages USING (user_id) WHERE user_id = $1"
    assert erased == 3
    assert await connection.fetchval(rows, user_id) == 0
    assert await other.conversations.get(kept.id) == kept
    assert await chat.erase() == 0


async def test_the_users_of_a_store_are_paged_by_their_ids(store: ChatStore, user_id: str) -> None:
    users = [f"{user_id}-{n}" for n in range(3)]
    for user in users:
        for _ in range(2):
            await store.for_user(user).conversations.create()

    first = await store.users(after=user_id, limit=2)
    second = await store.users(after=first[-1], limit=1)

    assert first + second == users


@pytest.mark.parametrize("title", ["", "x" * 201, "nul \x00", "half \ud83d"])
async def test_a_title_that_cannot_be_is_refused_before_any_sql(chat: UserChats, title: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await chat.conversations.create(title=title)

    assert caught.value.field == "title"
    assert (await chat.conversations.page()).items == []


@pytest.mark.parametrize("title", ["x", "x" * 200, "\U0001f469\u200d\U0001f680" * 66])
async def test_a_title_of_1_to_200_characters_is_stored_as_given(chat: UserChats, title: str) -> None:
    assert (await chat.conversations.create(title=title)).title == title


async def test_a_listings_cursor_is_good_for_its_own_list_only(store: ChatStore, chat: UserChats, user_id: str) -> None:
    for _ in range(2):
        await chat.conversations.create()
    cursor = (await chat.conversations.page(1)).next_cursor
    assert cursor is not None

    forged = [cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "", "x", cursor * 2, "\ud800"]
    for given in forged:
        with pytest.raises(InvalidInput):
            await chat.conversations.page(after=given)
    with pytest.raises(InvalidInput):
        await chat.conversations.page(after=cursor, archived=True)
    with pytest.raises(InvalidInput):
        await store.for_user(f"{user_id}-other").conversations.page(after=cursor)
