"""What is promised of conversations."""

import pytest

from chat_persistence.errors import ConversationNotFound, InvalidInput, MessageNotFound
from chat_persistence.testing.contract.chats import Chats
from chat_persistence.testing.contract.contract import Contract, contents, for_ada, log_of, said, somebodys_id
from chat_persistence.values import ConversationUpdate


class ConversationsContract(Contract):
    """What a wrapper of `ConversationRepository` keeps."""

    @for_ada
    async def test_a_conversation_is_read_as_it_was_created(self, chats: Chats) -> None:
        made = await chats.conversations.create(title="Rome", metadata={"tags": ["a", None], "n": 1.5})

        assert (made.title, made.metadata, made.message_count) == ("Rome", {"tags": ["a", None], "n": 1.5}, 0)
        assert await chats.conversations.get(made.id) == made

    @for_ada
    async def test_creating_again_by_its_id_returns_the_one_there_is(self, chats: Chats) -> None:
        id = somebodys_id()
        made = await chats.conversations.create(id=id, title="Rome")

        assert await chats.conversations.create(id=id, title="Paris") == made

    @for_ada
    async def test_an_absent_conversation_is_an_error_and_not_none(self, chats: Chats) -> None:
        with pytest.raises(ConversationNotFound) as caught:
            await chats.conversations.get(absent := somebodys_id())

        assert caught.value.conversation_id == absent

    @for_ada
    async def test_the_listing_is_by_newest_activity(self, chats: Chats) -> None:
        made = [await chats.conversations.create(title=title) for title in ("first", "second", "third")]
        await chats.messages.append(made[0].id, said("Hi"))

        page = await chats.conversations.page()

        assert [item.title for item in page.items] == ["first", "third", "second"]
        assert page.next_cursor is None

    @for_ada
    async def test_the_pages_of_the_listing_hold_each_conversation_once(self, chats: Chats) -> None:
        made = [(await chats.conversations.create()).id for _ in range(5)]

        page = await chats.conversations.page(2)
        pages = [page.items]
        while page.next_cursor and len(pages) < len(made):
            page = await chats.conversations.page(2, after=page.next_cursor)
            pages.append(page.items)

        assert [len(items) for items in pages] == [2, 2, 1]
        assert [item.id for items in pages for item in items] == made[::-1]

    @for_ada
    async def test_an_archived_conversation_is_in_the_other_listing(self, chats: Chats) -> None:
        made = await chats.conversations.create()
        archived = await chats.conversations.archive(made.id)

        assert (await chats.conversations.page()).items == []
        assert (await chats.conversations.page(archived=True)).items == [archived]
        assert (await chats.conversations.page()).items == []
        assert (await chats.conversations.unarchive(made.id)).archived_at is None

    @for_ada
    async def test_an_update_changes_what_it_was_given_and_no_more(self, chats: Chats) -> None:
        made = await chats.conversations.create(title="Rome", metadata={"kept": True})

        renamed = await chats.conversations.rename(made.id, "Paris")
        changed = await chats.conversations.update(made.id, ConversationUpdate(metadata={"kept": False}))

        assert (renamed.title, renamed.metadata) == ("Paris", {"kept": True})
        assert (changed.title, changed.metadata) == ("Paris", {"kept": False})

    @for_ada
    async def test_deleting_takes_the_messages_along(self, chats: Chats) -> None:
        id, (message,) = await log_of(chats, "Hi")

        await chats.conversations.delete(id)

        assert await chats.messages.last(id) == []
        for call, absent in ((chats.conversations.get, id), (chats.conversations.delete, id)):
            with pytest.raises(ConversationNotFound):
                await call(absent)
        with pytest.raises(MessageNotFound):
            await chats.messages.get(message.id)

    @for_ada
    async def test_a_conversation_comes_with_its_newest_messages(self, chats: Chats) -> None:
        id, _ = await log_of(chats, "one", "two", "three")

        read = await chats.conversations.get_with_messages(id, 2)

        assert (read.conversation.id, read.conversation.message_count) == (id, 3)
        assert contents(read.messages) == ["two", "three"]

    @for_ada
    async def test_the_first_thing_the_person_says_gives_the_title(self, chats: Chats) -> None:
        id, _ = await log_of(chats, "A train  to Rome", "please")

        assert (await chats.conversations.get(id)).title == "A train to Rome"

    @for_ada
    async def test_what_no_conversation_can_have_is_refused(self, chats: Chats) -> None:
        for wrong in ({"title": ""}, {"title": "x" * 201}, {"metadata": {"n": float("nan")}}):
            with pytest.raises(InvalidInput):
                await chats.conversations.create(**wrong)
        for limit in (0, 1001):
            with pytest.raises(InvalidInput):
                await chats.conversations.page(limit)

        assert (await chats.conversations.page()).items == []
