"""Every public method that asks the database something, as a call on rows made for it."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ConversationUpdate,
    ExportProgress,
    MessageCreate,
    MetadataSwap,
    ToolCall,
    UnitOfWork,
    UserChats,
)
from chat_persistence.selftest.key_rotation import IS_INSTALLED, rotate_keys


@dataclass(frozen=True, slots=True)
class Target:
    """A user with one conversation, a message and a draft in it; everything that takes a text holds `text`."""

    user_id: str
    conversation_id: UUID
    message_id: UUID
    draft_id: UUID
    text: str

    def message(self) -> MessageCreate:
        """Return a new message that holds the text wherever it can."""
        call = ToolCall(id=self.text, name=self.text, arguments=self.text, result={self.text: self.text})
        return MessageCreate(
            role="user",
            content=self.text,
            tool_calls=[call],
            native={self.text: [self.text]},
            metadata={self.text: self.text},
        )

    def swap(self) -> MetadataSwap:
        """Return a swap of a key that is not there yet."""
        return MetadataSwap(f"{self.text} swapped", {self.text: self.text}, None)

    def conversation(self) -> ConversationLoad:
        """Return a new conversation to load."""
        return ConversationLoad(
            user_id=self.user_id,
            id=uuid4(),
            title=self.text,
            metadata={self.text: self.text},
            messages=[self.message()],
        )


async def new_target(store: ChatStore, user_id: str, text: str) -> Target:
    """Store a conversation, a message and a draft for one call."""
    chat = store.for_user(user_id)
    conversation = await chat.conversations.create(title=text, metadata={text: text})
    target = Target(user_id, conversation.id, uuid4(), uuid4(), text)
    await chat.messages.append(conversation.id, target.message().model_copy(update={"id": target.message_id}))
    await _write(chat, target, target.draft_id)
    return target


async def _write(chat: UserChats, target: Target, draft_id: UUID) -> None:
    # Its end never comes, as when its process dies.
    draft = await chat.drafts.begin(target.conversation_id, id=draft_id, flush_seconds=3_600).__aenter__()
    await draft.write(target.text, native={target.text: 1})
    await draft.flush()


Call = Callable[[ChatStore, Target], Awaitable[Any]]


def _alone(call: Callable[[UserChats, Target], Awaitable[Any]]) -> Call:
    return lambda store, target: call(store.for_user(target.user_id), target)


def _in_unit(call: Callable[[UnitOfWork, Target], Awaitable[Any]]) -> Call:
    async def unit(store: ChatStore, target: Target) -> Any:
        async with store.unit_of_work(target.user_id) as work:
            return await call(work, target)

    return unit


async def _collected(messages: AsyncIterator[Any]) -> list[Any]:
    return [message async for message in messages]


async def _first(messages: AsyncGenerator[Any, None]) -> list[Any]:
    async with aclosing(messages) as following:
        return [await anext(following)]


ALONE: Mapping[str, Call] = {
    "conversations.create": _alone(lambda chat, it: chat.conversations.create(title=it.text, metadata={it.text: 1})),
    "conversations.get": _alone(lambda chat, it: chat.conversations.get(it.conversation_id)),
    "conversations.get_with_messages": _alone(
        lambda chat, it: chat.conversations.get_with_messages(it.conversation_id)
    ),
    "conversations.page": _alone(lambda chat, _: chat.conversations.page()),
    "conversations.update": _alone(
        lambda chat, it: chat.conversations.update(it.conversation_id, ConversationUpdate(metadata={it.text: it.text}))
    ),
    "conversations.swap_metadata": _alone(
        lambda chat, it: chat.conversations.swap_metadata(it.conversation_id, it.swap())
    ),
    "conversations.rename": _alone(lambda chat, it: chat.conversations.rename(it.conversation_id, it.text)),
    "conversations.archive": _alone(lambda chat, it: chat.conversations.archive(it.conversation_id)),
    "conversations.unarchive": _alone(lambda chat, it: chat.conversations.unarchive(it.conversation_id)),
    "conversations.delete": _alone(lambda chat, it: chat.conversations.delete(it.conversation_id)),
    "conversations.fork": _alone(lambda chat, it: chat.conversations.fork(it.conversation_id, 1, title=it.text)),
    "conversations.usage": _alone(lambda chat, it: chat.conversations.usage(it.conversation_id)),
    "messages.append": _alone(lambda chat, it: chat.messages.append(it.conversation_id, it.message())),
    "messages.append creating": _alone(
        lambda chat, it: chat.messages.append(uuid4(), it.message(), create_conversation=True)
    ),
    "messages.append expecting": _alone(
        lambda chat, it: chat.messages.append(it.conversation_id, it.message(), expected_position=1)
    ),
    "messages.append swapping": _alone(
        lambda chat, it: chat.messages.append(it.conversation_id, it.message(), swap=it.swap())
    ),
    "messages.append creating and swapping": _alone(
        lambda chat, it: chat.messages.append(uuid4(), it.message(), create_conversation=True, swap=it.swap())
    ),
    "messages.last": _alone(lambda chat, it: chat.messages.last(it.conversation_id)),
    "messages.last whole": _alone(lambda chat, it: chat.messages.last(it.conversation_id, whole_turns=True)),
    "messages.last within a budget": _alone(lambda chat, it: chat.messages.last(it.conversation_id, max_tokens=8000)),
    "messages.last_turns": _alone(lambda chat, it: chat.messages.last_turns(it.conversation_id, 1)),
    "messages.page": _alone(lambda chat, it: chat.messages.page(it.conversation_id)),
    "messages.page before": _alone(lambda chat, it: chat.messages.page(it.conversation_id, before=5)),
    "messages.page after": _alone(lambda chat, it: chat.messages.page(it.conversation_id, after=0)),
    "messages.get": _alone(lambda chat, it: chat.messages.get(it.message_id)),
    "messages.through": _alone(lambda chat, it: chat.messages.through(it.message_id)),
    "messages.search": _alone(lambda chat, it: chat.messages.search(it.text)),
    "messages.iterate": _alone(lambda chat, it: _collected(chat.messages.iterate(it.conversation_id))),
    "messages.follow": _alone(lambda chat, it: _first(chat.messages.follow(it.conversation_id, after=0, patience=0))),
    "messages.rewind": _alone(lambda chat, it: chat.messages.rewind(it.conversation_id, 0)),
    "messages.rewind expecting": _alone(
        lambda chat, it: chat.messages.rewind(it.conversation_id, 0, expected_position=1)
    ),
    "usage": _alone(lambda chat, _: chat.usage()),
    "drafts.write": _alone(lambda chat, it: _write(chat, it, uuid4())),
    "drafts.page": _alone(lambda chat, it: chat.drafts.page(it.conversation_id)),
    "drafts.finish": _alone(lambda chat, it: chat.drafts.finish(it.conversation_id, it.draft_id)),
    "drafts.abort": _alone(lambda chat, it: chat.drafts.abort(it.conversation_id, it.draft_id)),
    "drafts.discard": _alone(lambda chat, it: chat.drafts.discard(it.conversation_id, it.draft_id)),
    "erase": _alone(lambda chat, _: chat.erase()),
    "erase dry": _alone(lambda chat, _: chat.erase(dry_run=True)),
}
"""What is done for one user, each its own transaction."""

BEHIND_EVERYBODY = ExportProgress(user_id="\U0010ffff", conversation_id=UUID(int=0))
"""The others have what they have, encrypted perhaps."""

ACROSS: Mapping[str, Call] = {
    "users": lambda store, target: store.users(after=target.user_id),
    "drafts": lambda store, _: _collected(store.drafts(quiet_seconds=3_600)),
    "load": lambda store, target: store.load([target.conversation()]),
    "export": lambda store, target: _collected(store.export(target.user_id)),
    "export of everybody": lambda store, _: _collected(store.export(after=BEHIND_EVERYBODY)),
    "prune": lambda store, _: store.prune(timedelta(days=36_500)),
    "check": lambda store, _: store.check(),
    "migrate": lambda store, _: store.migrate(),
    **({"rotate_keys": lambda store, _: rotate_keys(store)} if IS_INSTALLED else {}),
}
"""What is done on a store itself."""

IN_UNITS: Mapping[str, Call] = {
    "unit of work, reading": _in_unit(lambda work, it: work.messages.last(it.conversation_id)),
    "unit of work, appending": _in_unit(lambda work, it: work.messages.append(it.conversation_id, it.message())),
    "unit of work, creating": _in_unit(lambda work, it: work.conversations.create(title=it.text)),
}

METHODS: Mapping[str, Call] = {**ALONE, **ACROSS, **IN_UNITS}
