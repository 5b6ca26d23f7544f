"""Calls with 200 MB in one argument each; the values themselves are made before."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ConversationRepository,
    ConversationUpdate,
    MessageCreate,
    MessageRepository,
    ToolCall,
)
from chat_persistence.selftest.methods import Call, Target

SIZE = 200_000_000

ASKS_FIRST = ("loaded",)
"""A load reads the server's clock before it reads what it is given."""


def calls() -> Iterator[tuple[str, Call]]:
    """Yield each call by its name; only one of the values is in memory at any time."""
    for letter in ("x", "\u20ac"):
        text = letter * (SIZE // len(letter.encode()))
        for name, make in TEXTS.items():
            yield name, make(text)
    for name, make_shape in SHAPES.items():
        yield name, _appending(native=make_shape())
    yield "200 messages", _appending_all([MessageCreate(role="user", content="x" * 1_000_000) for _ in range(200)])


def _conversations(store: ChatStore, target: Target) -> ConversationRepository:
    return store.for_user(target.user_id).conversations


def _messages(store: ChatStore, target: Target) -> MessageRepository:
    return store.for_user(target.user_id).messages


def _appending(**fields: Any) -> Call:
    return _appending_all([MessageCreate.model_validate({"role": "user", "content": "x", **fields})])


def _appending_all(messages: list[MessageCreate]) -> Call:
    return lambda store, it: _messages(store, it).append(it.conversation_id, *messages)


def _calling(**fields: str) -> Call:
    return _appending(tool_calls=[{"id": "c", **fields}])


def _creating(**fields: Any) -> Call:
    return lambda store, it: _conversations(store, it).create(**fields)


def _updating(metadata: dict[str, Any]) -> Call:
    changes = ConversationUpdate(metadata=metadata)
    return lambda store, it: _conversations(store, it).update(it.conversation_id, changes)


def _loading(**fields: Any) -> Call:
    conversation = ConversationLoad.model_validate({"user_id": "x", "id": uuid4(), **fields})
    return lambda store, _: store.load([conversation])


async def _choose_user(user_id: str, store: ChatStore, _: Target) -> None:
    store.for_user(user_id)


async def _begin_unit(user_id: str, store: ChatStore, _: Target) -> None:
    store.unit_of_work(user_id)


TEXTS: Mapping[str, Callable[[str], Call]] = {
    "user_id": lambda text: partial(_choose_user, text),
    "user_id of a unit of work": lambda text: partial(_begin_unit, text),
    "users after": lambda text: lambda store, _: store.users(after=text),
    "title": lambda text: _creating(title=text),
    "new title": lambda text: lambda store, it: _conversations(store, it).rename(it.conversation_id, text),
    "cursor of conversations": lambda text: lambda store, it: _conversations(store, it).page(after=text),
    "cursor of messages": lambda text: lambda store, it: _messages(store, it).page(it.conversation_id, after=text),
    "query": lambda text: lambda store, it: _messages(store, it).search(text),
    "cursor of a search": lambda text: lambda store, it: _messages(store, it).search("x", after=text),
    "content": lambda text: _appending(content=text),
    "native": lambda text: _appending(native=text),
    "native, inside": lambda text: _appending(native={"role": "user", "parts": [{"text": text}]}),
    "metadata": lambda text: _appending(metadata={"a": text}),
    "a key of metadata": lambda text: _appending(metadata={text: 1}),
    "a tool call's id": lambda text: _calling(id=text),
    "a tool call's name": lambda text: _calling(name=text),
    "a tool call's arguments": lambda text: _calling(arguments=text),
    "a tool call's result": lambda text: _appending(tool_calls=[ToolCall(id="c", result=[text])]),
    "a conversation's metadata": lambda text: _creating(metadata={"a": text}),
    "a conversation's new metadata": lambda text: _updating({text: "a"}),
    "loaded user_id": lambda text: _loading(user_id=text),
    "loaded content": lambda text: _loading(messages=[MessageCreate(role="user", content=text)]),
    "loaded metadata": lambda text: _loading(metadata={"a": text}),
}


def _nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


SHAPES: Mapping[str, Callable[[], Any]] = {
    "a wide list": lambda: [0] * (SIZE // 8),
    "a wide dict": lambda: {f"{number}{'x' * 1000}": number for number in range(SIZE // 1000)},
    "a long list of short strings": lambda: ["x" * 10] * (SIZE // 10),
    "strings of a megabyte": lambda: {"a": ["x" * 1_000_000] * (SIZE // 1_000_000)},
    "objects of ten kilobytes": lambda: [{"role": "user", "content": "x" * 10_000}] * (SIZE // 10_000),
    "100,000 levels": lambda: _nested(100_000),
}
