"""Calls of the public face, as values that a store and its model are given alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from chat_persistence import (
    ChatPersistenceError,
    ConversationUpdate,
    ErasureReceipt,
    MessageCreate,
    MetadataSwap,
    ToolCall,
)
from tests.chaos.model import ModelChats
from tests.told import told


@dataclass(frozen=True)
class Action:
    """One call. `expecting` is added to the position at which the model is, as `expected_position`."""

    method: str
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    expecting: int | None = None

    def for_model(self, model: ModelChats) -> "Action":
        """Return the call as it is made of chats like these."""
        if self.expecting is None:
            return self
        kept = model.kept.get(self.arguments[0])
        position = max(0, (kept.conversation.last_position if kept else 0) + self.expecting)
        return replace(self, named={**self.named, "expected_position": position}, expecting=None)

    async def __call__(self, chats: Any) -> Any:
        answer = attrgetter(self.method)(chats)(*self.arguments, **self.named)
        if self.method == "messages.iterate":
            return [message async for message in answer]
        return await answer


@dataclass(frozen=True)
class Pages:
    """A whole list read page by page, each by the cursor of the one before."""

    method: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    direction: str

    def for_model(self, model: ModelChats) -> "Pages":
        return self

    async def __call__(self, chats: Any) -> Any:
        page = await attrgetter(self.method)(chats)(*self.arguments, **self.named)
        pages = [page]
        while page.next_cursor is not None:
            rest = {**self.named, self.direction: page.next_cursor}
            page = await attrgetter(self.method)(chats)(*self.arguments, **rest)
            pages.append(page)
        return pages


async def outcome(action: Action | Pages, chats: Any) -> Any:
    """Return what a call tells, its error included, but for the times, which only the server knows."""
    try:
        answer = await action(chats)
    except ChatPersistenceError as error:
        return told(error)
    # The model counts no more of an erasure than its conversations.
    return int(answer) if isinstance(answer, ErasureReceipt) else told(answer)


def uuids(most: int) -> st.SearchStrategy[UUID]:
    """Few, so that they meet again, and the same for every user."""
    return st.integers(1, most).map(lambda number: UUID(int=number))


CALLS = [
    ToolCall(id="c1", name="look", arguments="{}"),
    ToolCall(id="c2", name="look", arguments="{}"),
    ToolCall(id="c1", result={"found": 1}),
    ToolCall(id="c2", result=None, is_error=True),
]
SAID: list[dict[str, Any]] = [
    {"role": "user", "content": "one", "token_count": 1},
    {"role": "assistant", "content": "two", "token_count": 2},
    *[{"role": "assistant", "tool_calls": [call], "token_count": 3} for call in CALLS],
    {"role": "user", "tool_calls": [CALLS[2]], "token_count": 3},  # as Anthropic's results come
]

conversation_ids = uuids(3)
limits = st.integers(1, 8)
positions = st.integers(0, 20)
titles = st.sampled_from([None, "Rome", "Oslo"])
notes = st.sampled_from([{}, {"a": 1}, {"a": [None, "x"]}])
said = st.sampled_from(SAID)
messages = st.builds(
    lambda id, said, native, notes: MessageCreate(id=id, native=native, metadata=notes, **said),
    uuids(25),
    said,
    st.sampled_from([None, None, {"b": [1]}]),
    st.sampled_from([None, {"c": 2}]),
)
dialogues = st.builds(
    lambda first, batch: [MessageCreate(id=UUID(int=first + nth), **each) for nth, each in enumerate(batch)],
    st.sampled_from([100, 104, 110, 120, 130]),
    st.lists(said, min_size=4, max_size=8),
)
expectations = st.sampled_from([None, None, 0, 1, -1])
swaps = st.builds(
    MetadataSwap,
    st.just("a"),
    st.sampled_from([{"token": 1}, {"token": 2, "more": None}]),
    st.sampled_from([None, {}, {"token": 1}, {"token": 2}]),
)
updates = st.one_of(
    st.builds(ConversationUpdate),
    st.builds(ConversationUpdate, title=titles),
    st.builds(ConversationUpdate, metadata=notes),
    st.builds(ConversationUpdate, title=titles, metadata=notes),
)


def calls(
    method: str, *arguments: st.SearchStrategy[Any], **named: st.SearchStrategy[Any]
) -> st.SearchStrategy[Action]:
    return st.builds(Action, st.just(method), st.tuples(*arguments), st.fixed_dictionaries(named))


def appends_of(batches: st.SearchStrategy[list[MessageCreate]]) -> st.SearchStrategy[Action]:
    return st.builds(
        lambda id, batch, create, expecting, swap: Action(
            "messages.append", (id, *batch), {"create_conversation": create, "swap": swap}, expecting
        ),
        conversation_ids,
        batches,
        st.booleans(),
        st.sampled_from([None, None, None, 0, 0, 1, -1]),
        st.one_of(st.none(), st.none(), swaps),
    )


def reads_by_turns(conversation_id: UUID) -> list[Action]:
    """Return all that there are in a conversation of some turns."""
    by_limit = [Action("messages.last", (conversation_id, limit), {"whole_turns": True}) for limit in range(1, 12)]
    return by_limit + [Action("messages.last_turns", (conversation_id, turns)) for turns in range(1, 6)]


appends = appends_of(st.one_of(st.lists(messages, min_size=1, max_size=3), dialogues))
changes = st.one_of(
    appends,
    appends,
    calls("conversations.create", id=conversation_ids, title=titles, metadata=notes),
    calls("conversations.update", conversation_ids, updates),
    st.builds(
        lambda id, swap, expecting: Action("conversations.swap_metadata", (id, swap), {}, expecting),
        conversation_ids,
        swaps,
        expectations,
    ),
    calls("conversations.rename", conversation_ids, titles),
    calls("conversations.archive", conversation_ids),
    calls("conversations.unarchive", conversation_ids),
    calls("conversations.delete", conversation_ids),
    calls("conversations.fork", conversation_ids, positions, fork_id=conversation_ids, title=titles),
    calls("conversations.fork", conversation_ids, st.integers(0, 3), fork_id=conversation_ids),
    calls("messages.rewind", conversation_ids, positions),
    st.builds(
        lambda id, position, expecting: Action("messages.rewind", (id, position), {}, expecting),
        conversation_ids,
        positions,
        expectations,
    ),
)
reads = st.one_of(
    calls("conversations.get", conversation_ids),
    calls("conversations.get_with_messages", conversation_ids, limits),
    calls("conversations.usage", conversation_ids),
    calls("conversations.page", limits, archived=st.booleans()),
    calls("messages.last", conversation_ids, limits),
    *[calls("messages.last", conversation_ids, limits, whole_turns=st.just(True))] * 2,
    calls("messages.last", conversation_ids, whole_turns=st.booleans(), max_tokens=st.integers(1, 20)),
    calls("messages.last_turns", conversation_ids, st.integers(1, 3)),
    calls("messages.page", conversation_ids, limits),
    calls("messages.page", conversation_ids, limits, before=positions),
    calls("messages.page", conversation_ids, limits, after=positions),
    calls("messages.get", uuids(25)),
    calls("messages.through", uuids(25), limits),
    calls("messages.iterate", conversation_ids),
)
single_calls = st.one_of(changes, reads)
erasures = st.just(Action("erase"))
pages = st.one_of(
    st.builds(
        lambda limit, archived: Pages("conversations.page", (limit,), {"archived": archived}, "after"),
        limits,
        st.booleans(),
    ),
    st.builds(
        lambda id, limit, direction: Pages(
            "messages.page", (id, limit), {"after": 0} if direction == "after" else {}, direction
        ),
        conversation_ids,
        limits,
        st.sampled_from(["before", "after"]),
    ),
)
