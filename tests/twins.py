"""Two users who share every id, and one who shares none: what the second sees and changes is what the third does."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ConversationUpdate,
    Draft,
    MessageCreate,
    MessageRole,
    MetadataSwap,
    Usage,
    UserChats,
    user_chats,
)
from chat_persistence.models import DraftPart
from chat_persistence.transfer import NDJSON, FoundConversation
from tests.told import everything, told

NOON = datetime(2020, 2, 2, 12, tzinfo=UTC)
AN_ID = re.compile(r"(?<=UUID\(')[0-9a-f-]{36}(?='\))")
CROWD = 600
"""More conversations than an erasure takes at once."""


class Ids(dict[str, UUID]):
    """Ids by what they are called here."""

    def __missing__(self, name: str) -> UUID:
        # Before all that were made earlier, so that what is read by ids reads these first, whoever has them.
        self[name] = UUID(int=(2**61 - time.time_ns()) << 64 | uuid4().int >> 64)
        return self[name]


class Person:
    """A user, and what the ids are called."""

    def __init__(self, user_id: str, ids: Ids) -> None:
        self.user_id = user_id
        self.ids = ids

    def chat(self, store: ChatStore) -> UserChats:
        return store.for_user(self.user_id)


Call = Callable[[ChatStore, Person], Awaitable[Any]]


def say(ids: Ids, words: str, role: str = "user") -> list[MessageCreate]:
    """Return one message a word, called by it."""
    return [MessageCreate(id=ids[word], role=MessageRole(role), content="Hi") for word in words.split()]


async def _all(messages: AsyncIterator[Any]) -> list[Any]:
    return [message async for message in messages]


async def _exported(store: ChatStore, user_id: str) -> list[Any]:
    """Return what is in an export, in an order that is not that of the ids."""
    export = b"".join(await _all(store.export(user_id)))
    found = [each.conversation for each in NDJSON().records(BytesIO(export)) if isinstance(each, FoundConversation)]
    return sorted(found, key=lambda conversation: str(conversation.updated_at))


async def _first_two(messages: AsyncGenerator[Any, None]) -> list[Any]:
    async with asyncio.timeout(5), aclosing(messages) as following:
        return [await anext(following) for _ in range(2)]


async def _found(chat: UserChats, ids: Ids, conversation_id: UUID | None = None) -> list[str]:
    """Return what the found messages are called; of those that came at once, the ids decide which is first."""
    names = {id: name for name, id in ids.items()}
    page = await chat.messages.search("hi", conversation_id=conversation_id)
    return sorted(names[hit.message.id] for hit in page.items)


async def _pages(chat: UserChats, *, archived: bool) -> list[Any]:
    page = await chat.conversations.page(1, archived=archived)
    items = list(page.items)
    while page.next_cursor is not None:
        page = await chat.conversations.page(1, archived=archived, after=page.next_cursor)
        items += page.items
    return items


async def _read_more_than_a_hundred(chat: UserChats, id: UUID, ids: Ids) -> Any:
    await chat.messages.append(id, *say(ids, " ".join(f"word-{number}" for number in range(99))))
    return await chat.messages.last(id, max_tokens=500)


async def _usage_of_pairs(chat: UserChats) -> Usage:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_chats, "COUNTED_AT_ONCE", 2)
        return await chat.usage()


SWAP = MetadataSwap("run", {"token": 1}, None)
REFUSED = MetadataSwap("run", {"token": 2}, {"token": 1})

BY_CONVERSATION: dict[str, Callable[[UserChats, UUID, Ids], Awaitable[Any]]] = {
    "get": lambda chat, id, ids: chat.conversations.get(id),
    "get_with_messages": lambda chat, id, ids: chat.conversations.get_with_messages(id),
    "create": lambda chat, id, ids: chat.conversations.create(id=id),
    "update": lambda chat, id, ids: chat.conversations.update(id, ConversationUpdate(metadata={"a": 1})),
    "swap": lambda chat, id, ids: chat.conversations.swap_metadata(id, SWAP),
    "swap, refused": lambda chat, id, ids: chat.conversations.swap_metadata(id, REFUSED),
    "rename": lambda chat, id, ids: chat.conversations.rename(id, "Rome"),
    "archive": lambda chat, id, ids: chat.conversations.archive(id),
    "unarchive": lambda chat, id, ids: chat.conversations.unarchive(id),
    "delete": lambda chat, id, ids: chat.conversations.delete(id),
    "fork": lambda chat, id, ids: chat.conversations.fork(id, 1, fork_id=ids["fork"]),
    "fork, all": lambda chat, id, ids: chat.conversations.fork(id, 2, fork_id=ids["fork"], title="Oslo"),
    "fork, into what is there": lambda chat, id, ids: chat.conversations.fork(id, 1, fork_id=ids["hidden"]),
    "fork, into the neighbour's": lambda chat, id, ids: chat.conversations.fork(id, 1, fork_id=ids["absent"]),
    "usage": lambda chat, id, ids: chat.conversations.usage(id),
    "append": lambda chat, id, ids: chat.messages.append(id, *say(ids, "new")),
    "append again": lambda chat, id, ids: chat.messages.append(id, *say(ids, "question")),
    "append, expecting": lambda chat, id, ids: chat.messages.append(id, *say(ids, "new"), expected_position=2),
    "append, creating": lambda chat, id, ids: chat.messages.append(id, *say(ids, "new"), create_conversation=True),
    "append, creating, expecting": lambda chat, id, ids: chat.messages.append(
        id, *say(ids, "new"), create_conversation=True, expected_position=2
    ),
    "append, swapping": lambda chat, id, ids: chat.messages.append(id, *say(ids, "new"), swap=SWAP),
    "append again, swapping": lambda chat, id, ids: chat.messages.append(id, *say(ids, "question"), swap=SWAP),
    "append, swapping, refused": lambda chat, id, ids: chat.messages.append(id, *say(ids, "new"), swap=REFUSED),
    "append, swapping, creating": lambda chat, id, ids: chat.messages.append(
        id, *say(ids, "new"), create_conversation=True, swap=SWAP
    ),
    "append again, swapping, creating": lambda chat, id, ids: chat.messages.append(
        id, *say(ids, "question"), create_conversation=True, swap=SWAP
    ),
    "last": lambda chat, id, ids: chat.messages.last(id),
    "last, whole turns": lambda chat, id, ids: chat.messages.last(id, 2, whole_turns=True),
    "last, newest turn": lambda chat, id, ids: chat.messages.last(id, 1, whole_turns=True),
    "last, within a budget": lambda chat, id, ids: chat.messages.last(id, max_tokens=10),
    "last, within a budget of more than a hundred": _read_more_than_a_hundred,
    "last_turns": lambda chat, id, ids: chat.messages.last_turns(id, 1),
    "page": lambda chat, id, ids: chat.messages.page(id, 1),
    "page, before": lambda chat, id, ids: chat.messages.page(id, before=2),
    "page, after": lambda chat, id, ids: chat.messages.page(id, after=1),
    "search": lambda chat, id, ids: _found(chat, ids, id),
    "iterate": lambda chat, id, ids: _all(chat.messages.iterate(id)),
    "follow": lambda chat, id, ids: _first_two(chat.messages.follow(id, after=0)),
    "rewind": lambda chat, id, ids: chat.messages.rewind(id, 1),
    "rewind, expecting": lambda chat, id, ids: chat.messages.rewind(id, 1, expected_position=2),
    "rewind, nothing": lambda chat, id, ids: chat.messages.rewind(id, 2),
}
"""Each is made of a conversation that is as long as the neighbour's, of a shorter one, and of one that is not there."""


async def _write(chat: UserChats, ids: Ids, name: str, *texts: str) -> Any:
    """Store parts of a draft, and leave it as a process does that dies."""
    draft = await chat.drafts.begin(ids["equal"], id=ids[name], flush_seconds=3_600).__aenter__()
    for text in texts:
        await draft.write(text)
        await draft.flush()
    return draft


async def _write_what_was_discarded(chat: UserChats, ids: Ids) -> None:
    draft = await _write(chat, ids, "theirs", "theirs")
    await chat.drafts.discard(ids["equal"], ids["theirs"])
    await draft.write("both")
    await draft.flush()


DRAFTS: dict[str, Callable[[UserChats, Ids], Awaitable[Any]]] = {
    "draft that is the neighbour's message": lambda chat, ids: _write(chat, ids, "here", "x"),
    "draft that is the neighbour's draft": lambda chat, ids: _write(chat, ids, "theirs", "x"),
    "draft that was discarded": _write_what_was_discarded,
    "page drafts": lambda chat, ids: _drafts(chat, [ids["equal"]]),
    "finish a draft": lambda chat, ids: chat.drafts.finish(ids["equal"], ids["draft"]),
    "finish a draft that is the neighbour's message": lambda chat, ids: chat.drafts.finish(
        ids["equal"], ids["elsewhere"]
    ),
    "discard a draft": lambda chat, ids: chat.drafts.discard(ids["equal"], ids["draft"]),
}
"""Each on drafts that were written for it."""

OTHERS: dict[str, Call] = {
    "pages": lambda store, one: _pages(one.chat(store), archived=False),
    "pages, archived": lambda store, one: _pages(one.chat(store), archived=True),
    "search": lambda store, one: _found(one.chat(store), one.ids),
    "get a message": lambda store, one: one.chat(store).messages.get(one.ids["question"]),
    "get the neighbour's message": lambda store, one: one.chat(store).messages.get(one.ids["elsewhere"]),
    "read through a message": lambda store, one: one.chat(store).messages.through(one.ids["answer"]),
    "read through the neighbour's message": lambda store, one: one.chat(store).messages.through(one.ids["elsewhere"]),
    "usage of all": lambda store, one: one.chat(store).usage(),
    "usage of all, two at a time": lambda store, one: _usage_of_pairs(one.chat(store)),
    "erase": lambda store, one: one.chat(store).erase(),
    "erase, dry": lambda store, one: one.chat(store).erase(dry_run=True),
    "export": lambda store, one: _exported(store, one.user_id),
    "load": lambda store, one: store.load([_conversation(one, "loaded", 6, say(one.ids, "elsewhere"))]),
    "load what is stored": lambda store, one: store.load(
        [_conversation(one, "loaded", 6, say(one.ids, "question elsewhere"))]
    ),
}


def _of(name: str, conversation: str) -> Call:
    return lambda store, one: BY_CONVERSATION[name](one.chat(store), one.ids[conversation], one.ids)


def _of_draft(name: str) -> Call:
    async def call(store: ChatStore, one: Person) -> Any:
        answer = await DRAFTS[name](one.chat(store), one.ids)
        return [] if isinstance(answer, Draft) else answer

    return call


CALLS: dict[str, Call] = (
    {name: _of_draft(name) for name in DRAFTS}
    | OTHERS
    | {
        f"{name} ({conversation})": _of(name, conversation)
        for name in BY_CONVERSATION
        for conversation in ("equal", "shorter", "absent")
    }
)


async def crowd(store: ChatStore) -> None:
    """Store conversations of many others, before anybody else's."""
    await store.load(ConversationLoad(user_id=f"crowd-{number}", id=uuid4()) for number in range(CROWD))


async def differences(store: ChatStore, healthy: ChatStore, names: Sequence[str]) -> AsyncIterator[str]:
    """Yield the calls that tell the twins apart; `healthy` is the store that looks."""
    for name in names:
        shared, unshared = Ids(), Ids()
        # Whoever reads by an id alone meets the neighbour first: stored before, and before by name.
        neighbour = Person(f"a-{uuid4()}", shared)
        twins = [Person(f"b-{uuid4()}", ids) for ids in (shared, unshared)]
        await healthy.load(_of_neighbour(neighbour))
        await healthy.load([each for twin in twins for each in _of_twin(twin)])
        if name in DRAFTS:
            await _write_drafts(healthy, neighbour, twins)
        else:
            for person in (neighbour, *twins):
                await _give_draft(healthy, person)
        before = await _rows(neighbour.chat(healthy))
        seen = [await _seen(way, healthy, twin, CALLS[name]) for way, twin in zip((store, healthy), twins, strict=True)]
        if seen[0] != seen[1] or await _rows(neighbour.chat(healthy)) != before:
            yield name


async def agree(stores: Sequence[ChatStore], user_id: str, name: str) -> bool:
    """Whether a call tells and leaves the same in each of the stores, where this user has nothing yet."""
    one = Person(user_id, Ids())
    for store in stores:
        await store.load(_of_twin(one))
    return len({await _seen(store, store, one, CALLS[name]) for store in stores}) == 1


async def _give_draft(store: ChatStore, person: Person) -> None:
    async with store.unit_of_work(person.user_id) as work:
        place = {"user_id": person.user_id, "conversation_id": person.ids["equal"], "id": person.ids["draft"]}
        work.session.add(DraftPart(**place, part=1, content="Hi"))


def _of_neighbour(person: Person) -> list[ConversationLoad]:
    ids = person.ids
    longer = [*say(ids, "first second third", "assistant"), *say(ids, "fourth"), *say(ids, "new", "assistant")]
    longer = [message.model_copy(update={"token_count": 1000}) for message in longer]
    return [
        _conversation(person, "equal", 1, [*say(ids, "question"), *say(ids, "answer", "assistant")]),
        _conversation(person, "shorter", 2, longer),
        _conversation(person, "absent", 3, say(ids, "elsewhere here")),
        _conversation(person, "hidden", 4, [], archived=True),
        _conversation(person, "hidden too", 5, [], archived=True),
    ]


def _of_twin(person: Person) -> list[ConversationLoad]:
    ids = person.ids
    return [
        _conversation(person, "equal", 1, [*say(ids, "question"), *say(ids, "answer", "assistant")]),
        _conversation(person, "shorter", 2, [*say(ids, "first"), *say(ids, "second", "assistant")]),
        _conversation(person, "hidden", 4, [], archived=True),
        _conversation(person, "hidden too", 5, [], archived=True),
    ]


async def _write_drafts(healthy: ChatStore, neighbour: Person, twins: Sequence[Person]) -> None:
    theirs = neighbour.chat(healthy)
    await _write(theirs, neighbour.ids, "theirs", "theirs", "both")
    await _write(theirs, neighbour.ids, "draft", "the neighbour's", "second part")
    for twin in twins:
        for name in ("draft", "elsewhere"):
            await _write(twin.chat(healthy), twin.ids, name, f"one's own {name}")


def _conversation(
    person: Person, name: str, hours: int, messages: Sequence[MessageCreate], *, archived: bool = False
) -> ConversationLoad:
    moment = NOON + timedelta(hours=hours)
    return ConversationLoad(
        user_id=person.user_id,
        id=person.ids[name],
        title=person.user_id[:1],
        messages=messages,
        created_at=NOON,
        updated_at=moment,
        archived_at=moment if archived else None,
    )


async def _seen(store: ChatStore, healthy: ChatStore, one: Person, call: Call) -> str:
    """Return what a call told and left, with ids and user called by their names."""
    chat = one.chat(healthy)
    answer = await _answer(store, one, call)
    seen = repr((answer, await everything(chat), await _drafts(chat, [one.ids["equal"]])))
    for name, id in one.ids.items():
        seen = seen.replace(str(id), name)
    # The library's own, as those of a fork's messages, by the order in which they are told.
    others: dict[str, str] = {}
    seen = AN_ID.sub(lambda found: others.setdefault(found[0], f"id {len(others)}"), seen)
    return seen.replace(one.user_id, "me")


async def _answer(store: ChatStore, one: Person, call: Call) -> Any:
    try:
        return told(await call(store, one))
    except Exception as error:
        return repr(error)


async def _rows(chat: UserChats) -> Any:
    conversations = [*(await _pages(chat, archived=False)), *(await _pages(chat, archived=True))]
    messages = [await _all(chat.messages.iterate(each.id)) for each in conversations]
    return conversations, messages, await _drafts(chat, [each.id for each in conversations])


async def _drafts(chat: UserChats, conversation_ids: Sequence[UUID]) -> Any:
    # By their content: ids are other ones for each twin.
    pages = [await chat.drafts.page(id) for id in conversation_ids]
    return sorted((draft.content, draft.parts, draft.user_id, draft.id) for page in pages for draft in page.items)
