"""Two users who share every id, and one who shares none: what the second sees and changes is what the third does."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ConversationUpdate,
    MessageCreate,
    MessageRole,
    UserChats,
)
from tests.told import everything, told

NOON = datetime(2020, 2, 2, 12, tzinfo=UTC)
CROWD = 600
"""More conversations than an erasure takes at once."""


class Ids(dict[str, UUID]):
    """Ids by what they are called here."""

    def __missing__(self, name: str) -> UUID:
        self[name] = uuid4()
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


BY_CONVERSATION: dict[str, Callable[[UserChats, UUID, Ids], Awaitable[Any]]] = {
    "get": lambda chat, id, ids: chat.conversations.get(id),
    "get_with_messages": lambda chat, id, ids: chat.conversations.get_with_messages(id),
    "create": lambda chat, id, ids: chat.conversations.create(id=id),
    "update": lambda chat, id, ids: chat.conversations.update(id, ConversationUpdate(metadata={"a": 1})),
    "rename": lambda chat, id, ids: chat.conversations.rename(id, "Rome"),
    "archive": lambda chat, id, ids: chat.conversations.archive(id),
    "unarchive": lambda chat, id, ids: chat.conversations.unarchive(id),
    "delete": lambda chat, id, ids: chat.conversations.delete(id),
    "append": lambda chat, id, ids: chat.messages.append(id, *say(ids, "new")),
    "append again": lambda chat, id, ids: chat.messages.append(id, *say(ids, "question")),
    "append, expecting": lambda chat, id, ids: chat.messages.append(id, *say(ids, "new"), expected_position=2),
    "append, creating": lambda chat, id, ids: chat.messages.append(id, *say(ids, "new"), create_conversation=True),
    "append, creating, expecting": lambda chat, id, ids: chat.messages.append(
        id, *say(ids, "new"), create_conversation=True, expected_position=2
    ),
    "last": lambda chat, id, ids: chat.messages.last(id),
    "last, whole turns": lambda chat, id, ids: chat.messages.last(id, 2, whole_turns=True),
    "last, newest turn": lambda chat, id, ids: chat.messages.last(id, 1, whole_turns=True),
    "last_turns": lambda chat, id, ids: chat.messages.last_turns(id, 1),
    "page": lambda chat, id, ids: chat.messages.page(id, 1),
    "page, before": lambda chat, id, ids: chat.messages.page(id, before=2),
    "page, after": lambda chat, id, ids: chat.messages.page(id, after=1),
    "search": lambda chat, id, ids: _found(chat, ids, id),
    "iterate": lambda chat, id, ids: _all(chat.messages.iterate(id)),
    "rewind": lambda chat, id, ids: chat.messages.rewind(id, 1),
    "rewind, nothing": lambda chat, id, ids: chat.messages.rewind(id, 2),
}
"""Each is made of a conversation that is as long as the neighbour's, of a shorter one, and of one that is not there."""

OTHERS: dict[str, Call] = {
    "pages": lambda store, one: _pages(one.chat(store), archived=False),
    "pages, archived": lambda store, one: _pages(one.chat(store), archived=True),
    "search": lambda store, one: _found(one.chat(store), one.ids),
    "get a message": lambda store, one: one.chat(store).messages.get(one.ids["question"]),
    "get the neighbour's message": lambda store, one: one.chat(store).messages.get(one.ids["elsewhere"]),
    "erase": lambda store, one: one.chat(store).erase(),
    "load": lambda store, one: store.load([_conversation(one, "loaded", 6, say(one.ids, "elsewhere"))]),
    "load what is stored": lambda store, one: store.load(
        [_conversation(one, "loaded", 6, say(one.ids, "question elsewhere"))]
    ),
}


def _of(name: str, conversation: str) -> Call:
    return lambda store, one: BY_CONVERSATION[name](one.chat(store), one.ids[conversation], one.ids)


CALLS: dict[str, Call] = OTHERS | {
    f"{name} ({conversation})": _of(name, conversation)
    for name in BY_CONVERSATION
    for conversation in ("equal", "shorter", "absent")
}


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


def _of_neighbour(person: Person) -> list[ConversationLoad]:
    ids = person.ids
    longer = [*say(ids, "first second third", "assistant"), *say(ids, "fourth"), *say(ids, "new", "assistant")]
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
    seen = repr((await _answer(store, one, call), await everything(one.chat(healthy))))
    for name, id in one.ids.items():
        seen = seen.replace(str(id), name)
    return seen.replace(one.user_id, "me")


async def _answer(store: ChatStore, one: Person, call: Call) -> Any:
    try:
        return told(await call(store, one))
    except Exception as error:
        return repr(error)


async def _rows(chat: UserChats) -> Any:
    conversations = [*(await _pages(chat, archived=False)), *(await _pages(chat, archived=True))]
    return conversations, [await _all(chat.messages.iterate(each.id)) for each in conversations]
