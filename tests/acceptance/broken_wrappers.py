"""Wrappers that hosts might write in good faith, each with one thing wrong: what `test_contract_breaches` runs.

`breaks` says which tests of the contract are to notice.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from chat_persistence import (
    ChatPersistenceError,
    ChatStore,
    ConversationRead,
    ConversationRepository,
    ConversationUpdate,
    ConversationWithMessages,
    MessageCreate,
    MessageRead,
    MessageRepository,
    Page,
)
from chat_persistence.testing import Chats, ConversationsContract, IsolationContract, MessagesContract
from chat_persistence.testing.contract.contract import Contract

Wrapper = TypeVar("Wrapper")


@dataclass
class Wrapped:
    conversations: ConversationRepository
    messages: MessageRepository


def wrapped(kind: type[Wrapper], repository: object) -> Wrapper:
    """Return the repository as one of a kind that does something else."""
    wrapper = kind.__new__(kind)
    vars(wrapper).update(vars(repository))
    return wrapper


class Breach(Contract):
    """A contract that is held by repositories of other kinds."""

    conversations: type[ConversationRepository] = ConversationRepository
    messages: type[MessageRepository] = MessageRepository

    async def make_chats(self, store: ChatStore, user_id: str) -> Chats:
        ours = store.for_user(user_id)
        return Wrapped(wrapped(self.conversations, ours.conversations), wrapped(self.messages, ours.messages))


class TestForgetsTheUser(IsolationContract):
    breaks = frozenset(
        {
            "test_somebody_elses_conversation_is_absent",
            "test_somebody_elses_messages_are_absent",
            "test_somebody_elses_conversation_cannot_be_changed",
            "test_nobody_else_deletes_a_conversation",
            "test_nobody_else_appends_to_a_conversation",
            "test_users_with_the_same_ids_have_each_their_own",
            "test_somebody_elses_cursor_is_refused",
        }
    )

    async def make_chats(self, store: ChatStore, user_id: str) -> Chats:
        return store.for_user("somebody")


class NewestFirst(MessageRepository):
    async def last(self, conversation_id: UUID, limit: int | None = None, **options: Any) -> list[MessageRead]:
        return (await super().last(conversation_id, limit, **options))[::-1]


class TestReturnsTheNewestFirst(Breach, MessagesContract):
    breaks = frozenset(
        {
            "test_last_returns_the_newest_oldest_first",
            "test_positions_count_from_one_in_the_order_given",
            "test_the_same_ids_are_stored_once",
            "test_appends_at_once_leave_no_gap_and_none_is_lost",
            "test_the_same_append_twice_at_once_is_stored_once",
            "test_whole_turns_begin_with_what_the_person_said",
            "test_a_rewind_deletes_what_came_after",
            "test_any_text_comes_back_equal",
        }
    )
    messages = NewestFirst


class Silent(MessageRepository):
    async def append(self, conversation_id: UUID, *messages: MessageCreate, **options: Any) -> list[MessageRead]:
        try:
            return await super().append(conversation_id, *messages, **options)
        except ChatPersistenceError:
            return []


class TestSwallowsErrors(Breach, MessagesContract):
    breaks = frozenset(
        {
            "test_an_id_that_is_stored_with_something_else_is_a_conflict",
            "test_an_append_needs_its_conversation_or_creates_it",
            "test_an_append_after_what_has_moved_on_is_refused",
            "test_what_no_answer_can_hold_is_refused",
        }
    )
    messages = Silent


class OneByOne(MessageRepository):
    async def append(self, conversation_id: UUID, *messages: MessageCreate, **options: Any) -> list[MessageRead]:
        return [(await super(OneByOne, self).append(conversation_id, one, **options))[0] for one in messages]


class TestAppendsOneByOne(Breach, MessagesContract):
    breaks = frozenset(
        {
            "test_an_id_that_is_stored_with_something_else_is_a_conflict",
            "test_appends_at_once_leave_no_gap_and_none_is_lost",
            "test_an_append_whose_caller_is_cancelled_is_stored_whole_or_not",
            "test_what_no_answer_can_hold_is_refused",
        }
    )
    messages = OneByOne


class NewIds(MessageRepository):
    async def append(self, conversation_id: UUID, *messages: MessageCreate, **options: Any) -> list[MessageRead]:
        new = [MessageCreate(**message.model_dump(exclude={"id"})) for message in messages]
        return await super().append(conversation_id, *new, **options)


class TestStoresAgain(Breach, MessagesContract):
    breaks = frozenset(
        {
            "test_the_same_ids_are_stored_once",
            "test_an_id_that_is_stored_with_something_else_is_a_conflict",
            "test_the_same_append_twice_at_once_is_stored_once",
            "test_what_no_answer_can_hold_is_refused",
        }
    )
    messages = NewIds


class NoEqualTexts(MessageRepository):
    async def append(self, conversation_id: UUID, *messages: MessageCreate, **options: Any) -> list[MessageRead]:
        different = {message.content: message for message in messages}
        return await super().append(conversation_id, *different.values(), **options)


class TestDropsDuplicates(Breach, MessagesContract):
    breaks = frozenset(
        {
            "test_equal_texts_are_messages_of_their_own",
            "test_appends_at_once_leave_no_gap_and_none_is_lost",
            "test_an_append_whose_caller_is_cancelled_is_stored_whole_or_not",
            "test_what_no_answer_can_hold_is_refused",
        }
    )
    messages = NoEqualTexts


class ReadsBefore(MessageRepository):
    async def append(self, conversation_id: UUID, *messages: MessageCreate, **options: Any) -> list[MessageRead]:
        log = await self.last(conversation_id, 1)
        await asyncio.sleep(0)
        options.setdefault("expected_position", log[0].position if log else None)
        return await super().append(conversation_id, *messages, **options)


class TestReadsBeforeItAppends(Breach, MessagesContract):
    breaks = frozenset(
        {
            "test_appends_at_once_leave_no_gap_and_none_is_lost",
            "test_a_rewind_deletes_what_came_after",
        }
    )
    messages = ReadsBefore


class Tidy(MessageRepository):
    async def append(self, conversation_id: UUID, *messages: MessageCreate, **options: Any) -> list[MessageRead]:
        tidy = [message.model_copy(update={"content": message.content.strip()}) for message in messages]
        return await super().append(conversation_id, *tidy, **options)


class TestTidiesTexts(Breach, MessagesContract):
    breaks = frozenset({"test_any_text_comes_back_equal"})
    messages = Tidy


class NoItems(MessageRepository):
    async def append(self, conversation_id: UUID, *messages: MessageCreate, **options: Any) -> list[MessageRead]:
        without = [message.model_copy(update={"metadata": None}) for message in messages]
        return await super().append(conversation_id, *without, **options)


class TestKeepsNoMetadata(Breach, MessagesContract):
    breaks = frozenset({"test_any_json_comes_back_equal"})
    messages = NoItems


class AnyLimit(MessageRepository):
    async def last(self, conversation_id: UUID, limit: int | None = None, **options: Any) -> list[MessageRead]:
        bound = None if limit is None else min(max(limit, 1), 1000)
        return await super().last(conversation_id, bound, **options)


class TestBoundsInSilence(Breach, MessagesContract):
    breaks = frozenset({"test_what_no_answer_can_hold_is_refused"})
    messages = AnyLimit


class OnlyArchives(ConversationRepository):
    async def delete(self, id: UUID) -> None:
        await self.archive(id)


class TestDeletesByArchiving(Breach, ConversationsContract):
    breaks = frozenset({"test_deleting_takes_the_messages_along"})
    conversations = OnlyArchives


class NoCursor(ConversationRepository):
    async def page(
        self, limit: int = 20, *, after: str | None = None, archived: bool = False
    ) -> Page[ConversationRead]:
        return await super().page(limit, archived=archived)


class TestForgetsTheCursor(Breach, ConversationsContract):
    breaks = frozenset({"test_the_pages_of_the_listing_hold_each_conversation_once"})
    conversations = NoCursor


class NewConversation(ConversationRepository):
    async def create(
        self, *, id: UUID | None = None, title: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> ConversationRead:
        return await super().create(title=title, metadata=metadata)


class TestChoosesTheIds(Breach, ConversationsContract):
    breaks = frozenset({"test_creating_again_by_its_id_returns_the_one_there_is"})
    conversations = NewConversation


class OnePage(MessageRepository):
    async def page(
        self, conversation_id: UUID, limit: int = 50, *, before: int | str | None = None, after: int | str | None = None
    ) -> Page[MessageRead]:
        return await super().page(conversation_id, limit)

    async def iterate(self, conversation_id: UUID) -> AsyncIterator[MessageRead]:
        for message in reversed(await self.last(conversation_id)):
            yield message


class TestForgetsThePlace(Breach, MessagesContract):
    breaks = frozenset(
        {
            "test_an_append_whose_caller_is_cancelled_is_stored_whole_or_not",
            "test_pages_lead_backwards_through_the_log",
            "test_pages_lead_forwards_through_the_log",
            "test_iterating_yields_every_message_in_order",
        }
    )
    messages = OnePage


class NoneForAbsent(MessageRepository):
    async def get(self, id: UUID) -> Any:
        try:
            return await super().get(id)
        except ChatPersistenceError:
            return None


class TestReturnsNoneForAMessage(Breach, MessagesContract):
    breaks = frozenset({"test_a_message_is_read_by_its_id"})
    messages = NoneForAbsent


class NoneForAbsentConversation(ConversationRepository):
    async def get(self, id: UUID) -> Any:
        try:
            return await super().get(id)
        except ChatPersistenceError:
            return None


class TestReturnsNoneForAConversation(Breach, ConversationsContract):
    breaks = frozenset(
        {
            "test_an_absent_conversation_is_an_error_and_not_none",
            "test_deleting_takes_the_messages_along",
        }
    )
    conversations = NoneForAbsentConversation


class OldOrder(ConversationRepository):
    async def page(
        self, limit: int = 20, *, after: str | None = None, archived: bool = False
    ) -> Page[ConversationRead]:
        page = await super().page(limit, after=after, archived=False)
        return Page(sorted(page.items, key=lambda item: item.created_at, reverse=True), page.next_cursor)


class TestListsByAgeAndNoneThatIsArchived(Breach, ConversationsContract):
    breaks = frozenset(
        {
            "test_the_listing_is_by_newest_activity",
            "test_an_archived_conversation_is_in_the_other_listing",
        }
    )
    conversations = OldOrder


class WholeUpdate(ConversationRepository):
    async def update(self, id: UUID, changes: ConversationUpdate) -> ConversationRead:
        return await super().update(id, ConversationUpdate(title=changes.title, metadata=changes.metadata))


class TestUpdatesEverything(Breach, ConversationsContract):
    breaks = frozenset({"test_an_update_changes_what_it_was_given_and_no_more"})
    conversations = WholeUpdate


class Defaults(ConversationRepository):
    async def create(
        self, *, id: UUID | None = None, title: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> ConversationRead:
        return await super().create(id=id, title=(title or "New chat")[:200])


class TestGivesATitleAndNoMetadata(Breach, ConversationsContract):
    breaks = frozenset(
        {
            "test_a_conversation_is_read_as_it_was_created",
            "test_an_update_changes_what_it_was_given_and_no_more",
            "test_the_first_thing_the_person_says_gives_the_title",
            "test_what_no_conversation_can_have_is_refused",
        }
    )
    conversations = Defaults


class Newest(ConversationRepository):
    async def get_with_messages(self, id: UUID, limit: int = 50) -> ConversationWithMessages:
        read = await super().get_with_messages(id, limit)
        return ConversationWithMessages(read.conversation, read.messages[::-1])


class TestComesWithTheNewestFirst(Breach, ConversationsContract):
    breaks = frozenset({"test_a_conversation_comes_with_its_newest_messages"})
    conversations = Newest
