"""Drafts against a plain model: receivers, crashes, recoverers and parts that come late, in any order."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import ChatPersistenceError, ChatStore, Draft, MessageRead, UserChats
from chat_persistence.draft_parts import Part
from tests.integration.test_pages_by_model import database

NEVER = 3_600.0
TEXTS = st.text(st.sampled_from("a \x00\ud83d\ude00\ufdd0d83é"), max_size=4)
WHO = st.integers(0, 3)

CLOSED = "DraftClosed"
NOT_FOUND = "MessageNotFound"
INVALID = "InvalidInput"


@dataclass
class ModelReceiver:
    """What a receiver knows."""

    id: UUID
    received: str = ""
    in_parts: int = 0
    parts: int = 0
    is_open: bool = True
    stores: bool = True
    is_closed_elsewhere: bool = False
    answer: Any = None


@dataclass
class Model:
    """The parts and messages that there are, by id; a message is its content and whether it broke off."""

    parts: dict[UUID, dict[int, str]] = field(default_factory=dict)
    messages: dict[UUID, tuple[str, bool]] = field(default_factory=dict)

    def drafts(self) -> list[tuple[UUID, str]]:
        return [
            (id, "".join(parts[number] for number in sorted(parts)))
            for id, parts in sorted(self.parts.items())
            if 1 in parts and id not in self.messages
        ]

    def add(self, id: UUID, number: int, text: str) -> str:
        parts = self.parts.setdefault(id, {})
        if id in self.messages:
            return "CLOSED"
        if number in parts:
            return "STORED" if parts[number] == text else "TAKEN"
        if number > 1 and number - 1 not in parts:
            return "CLOSED"
        parts[number] = text
        return "STORED"

    def store(self, id: UUID, content: str, aborted: bool) -> Any:
        self.parts.pop(id, None)
        return self.messages.setdefault(id, (content, aborted))

    def write(self, one: ModelReceiver, text: str) -> Any:
        if not one.is_open:
            return CLOSED
        one.received += text
        return CLOSED if one.is_closed_elsewhere else None

    def flush(self, one: ModelReceiver) -> Any:
        if not one.is_open or one.is_closed_elsewhere:
            return CLOSED
        unstored = one.received[one.in_parts :]
        if not unstored:
            return None
        outcome = self.add(one.id, one.parts + 1, unstored) if one.stores else "TAKEN"
        one.stores &= outcome == "STORED"
        one.is_closed_elsewhere = outcome == "CLOSED"
        if outcome != "STORED":
            return CLOSED
        one.in_parts, one.parts = len(one.received), one.parts + 1
        return None

    def end(self, one: ModelReceiver, aborted: bool) -> Any:
        if not one.is_open:
            return None if aborted and one.answer == CLOSED else one.answer
        if not one.received and not aborted:
            return INVALID
        one.is_open = False
        if aborted and (not one.received or one.is_closed_elsewhere):
            one.answer = CLOSED
            return None
        stored = self.store(one.id, one.received, aborted)
        one.answer = stored if stored[0] == one.received else CLOSED
        return one.answer

    def recover(self, id: UUID, aborted: bool) -> Any:
        draft = dict(self.drafts()).get(id)
        if draft is not None:
            return self.store(id, draft, aborted)
        return self.messages.get(id, NOT_FOUND)


class World:
    """A conversation, its receivers, and the model that they must not be told apart from."""

    def __init__(self, chat: UserChats, conversation_id: UUID) -> None:
        self.chat = chat
        self.conversation_id = conversation_id
        self.ids = [uuid4(), uuid4()]
        self.model = Model()
        self.receivers: dict[int, tuple[Draft, ModelReceiver]] = {}
        self.sent: list[tuple[UUID, Part]] = []

    async def act(self, what: str, who: int, text: str) -> tuple[Any, Any]:
        """Do something, and return what was told and what the model says."""
        id = self.ids[who % 2]
        if what == "replay":
            return await self.replay(who)
        if what == "rewind":
            self.model.messages.clear()
            return await told(self.chat.messages.rewind(self.conversation_id, 0)) and None, None
        if what == "discard":
            self.model.parts.pop(id, None)
            return await told(self.chat.drafts.discard(self.conversation_id, id)), None
        if what.startswith("recover"):
            aborted = what == "recover aborted"
            recover = self.chat.drafts.abort if aborted else self.chat.drafts.finish
            return await told(recover(self.conversation_id, id)), self.model.recover(id, aborted)
        if what == "begin" or who not in self.receivers:
            # Whoever was there before has crashed.
            draft = self.chat.drafts.begin(self.conversation_id, id=id, flush_seconds=NEVER)
            self.receivers[who] = await draft.__aenter__(), ModelReceiver(id)
        return await self.receive(*self.receivers[who], what, text)

    async def receive(self, draft: Draft, one: ModelReceiver, what: str, text: str) -> tuple[Any, Any]:
        if what == "write":
            return await told(draft.write(text)), self.model.write(one, text)
        if what == "flush":
            part = draft._received.next_part()
            if part is not None and one.is_open:
                self.sent.append((draft.id, part))
            return await told(draft.flush()), self.model.flush(one)
        if what in ("finish", "abort"):
            return await told(getattr(draft, what)()), self.model.end(one, what == "abort")
        return None, None

    async def replay(self, which: int) -> tuple[Any, Any]:
        """Have a part arrive once more, that was sent before."""
        if not self.sent:
            return None, None
        id, part = self.sent[-1 - which % len(self.sent)]
        outcome = await self.chat.drafts._store_part(self.conversation_id, id, part)
        (text,) = [part.content]
        return outcome.name, self.model.add(id, part.number, unescaped(text))

    async def state(self) -> tuple[Any, Any]:
        drafts = (await self.chat.drafts.page(self.conversation_id)).items
        messages = await self.chat.messages.last(self.conversation_id)
        seen = [(draft.id, draft.content) for draft in drafts], [(each.id, said(each)) for each in messages]
        return seen, (self.model.drafts(), list(self.model.messages.items()))


def unescaped(text: str) -> str:
    from chat_persistence.text import unescape

    return unescape(text)


def said(message: MessageRead) -> tuple[str, bool]:
    return message.content, message.metadata == {"aborted": True}


async def told(call: Awaitable[Any]) -> Any:
    try:
        answer = await call
    except ChatPersistenceError as error:
        return type(error).__name__
    return said(answer) if isinstance(answer, MessageRead) else answer


ONCE = ["begin", "finish", "abort", "recover", "recover aborted", "discard", "replay", "rewind"]
ACTIONS = st.sampled_from(["write", "flush", "write", "flush", *ONCE])


@given(actions=st.lists(st.tuples(ACTIONS, WHO, TEXTS), min_size=5, max_size=30))
@settings(database, max_examples=100)
async def test_drafts_and_messages_are_those_of_the_model(
    store: ChatStore, actions: list[tuple[str, int, str]]
) -> None:
    chat = store.for_user(f"model-{uuid4()}")
    world = World(chat, (await chat.conversations.create()).id)
    for action in actions:
        answered, expected = await world.act(*action)
        assert answered == expected, action
        seen, modelled = await world.state()
        assert seen == modelled, action


@given(texts=st.lists(TEXTS, max_size=12), flushed=st.sets(st.integers(0, 11)))
@settings(database)
async def test_what_is_found_is_what_was_given_however_it_was_cut(
    store: ChatStore, texts: list[str], flushed: set[int]
) -> None:
    """Also a pair of surrogates that came in two pieces."""
    chat = store.for_user(f"model-{uuid4()}")
    conversation = await chat.conversations.create()
    async with chat.drafts.begin(conversation.id, flush_seconds=NEVER) as reply:
        for number, text in enumerate(texts):
            await reply.write(text, native=text or None)
            if number in flushed:
                await reply.flush()
        await reply.flush()
        drafts = (await chat.drafts.page(conversation.id)).items

    expected = [("".join(texts), [text for text in texts if text])] if any(texts) else []
    assert [(draft.content, draft.native) for draft in drafts] == expected
    assert [(each.content, each.native) for each in await chat.messages.last(conversation.id)] == expected
