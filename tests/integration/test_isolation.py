"""Somebody else's conversation is exactly as absent as one that never was: every method, every id argument."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4, uuid5

import asyncpg
import pytest

from chat_persistence import (
    ChatPersistenceError,
    ChatStore,
    ConversationRepository,
    ConversationUpdate,
    DraftRepository,
    MessageCreate,
    MessageRepository,
    MetadataSwap,
    UserChats,
)


@dataclass(frozen=True)
class Victim:
    """One user's only conversation, a message and a draft in it."""

    chat: UserChats
    conversation_id: UUID
    message_id: UUID
    draft_id: UUID


Call = Callable[[ConversationRepository, MessageRepository, UUID], Awaitable[Any]]


async def _collect(messages: AsyncIterator[Any]) -> list[Any]:
    return [message async for message in messages]


async def _first(messages: AsyncGenerator[Any, None]) -> list[Any]:
    async with aclosing(messages) as following:
        return [await anext(following)]


SWAP = MetadataSwap("run", {"token": 1}, None)

BY_CONVERSATION: dict[str, Call] = {
    "conversations.get": lambda c, m, id: c.get(id),
    "conversations.get_with_messages": lambda c, m, id: c.get_with_messages(id),
    "conversations.update": lambda c, m, id: c.update(id, ConversationUpdate(title="mine now")),
    "conversations.swap_metadata": lambda c, m, id: c.swap_metadata(id, SWAP),
    "conversations.rename": lambda c, m, id: c.rename(id, "mine now"),
    "conversations.archive": lambda c, m, id: c.archive(id),
    "conversations.unarchive": lambda c, m, id: c.unarchive(id),
    "conversations.delete": lambda c, m, id: c.delete(id),
    "conversations.fork": lambda c, m, id: c.fork(id, 1, fork_id=uuid5(id, "fork")),
    "conversations.usage": lambda c, m, id: c.usage(id),
    "messages.append": lambda c, m, id: m.append(id, MessageCreate(role="user", content="x")),
    "messages.append expecting": lambda c, m, id: m.append(
        id, MessageCreate(role="user", content="x"), expected_position=1
    ),
    "messages.append swapping": lambda c, m, id: m.append(id, MessageCreate(role="user", content="x"), swap=SWAP),
    "messages.last": lambda c, m, id: m.last(id),
    "messages.last whole": lambda c, m, id: m.last(id, whole_turns=True),
    "messages.last within a budget": lambda c, m, id: m.last(id, max_tokens=100),
    "messages.last_turns": lambda c, m, id: m.last_turns(id, 1),
    "messages.page": lambda c, m, id: m.page(id),
    "messages.page before": lambda c, m, id: m.page(id, before=5),
    "messages.page after": lambda c, m, id: m.page(id, after=0),
    "messages.search": lambda c, m, id: m.search("private or x", conversation_id=id),
    "messages.iterate": lambda c, m, id: _collect(m.iterate(id)),
    "messages.follow": lambda c, m, id: _first(m.follow(id, after=0)),
    "messages.rewind": lambda c, m, id: m.rewind(id, 0),
    "messages.rewind expecting": lambda c, m, id: m.rewind(id, 0, expected_position=1),
}
BY_MESSAGE: dict[str, Call] = {
    "messages.get": lambda c, m, id: m.get(id),
    "messages.through": lambda c, m, id: m.through(id),
}


async def _receive(chat: UserChats, conversation_id: UUID, id: UUID) -> str:
    async with chat.drafts.begin(conversation_id, id=id) as reply:
        await reply.write("x")
        await reply.flush()
    return reply.content


BY_DRAFT: dict[str, Callable[[UserChats, UUID, UUID], Awaitable[Any]]] = {
    "drafts.begin": lambda chat, conversation_id, id: _receive(chat, conversation_id, uuid5(id, "new")),
    "drafts.page": lambda chat, conversation_id, id: chat.drafts.page(conversation_id),
    "drafts.finish": lambda chat, conversation_id, id: chat.drafts.finish(conversation_id, id),
    "drafts.abort": lambda chat, conversation_id, id: chat.drafts.abort(conversation_id, id),
    "drafts.discard": lambda chat, conversation_id, id: chat.drafts.discard(conversation_id, id),
}
WITHOUT_ID = {"conversations.create", "conversations.page"}


@pytest.fixture
async def victim(store: ChatStore) -> Victim:
    chat = store.for_user(f"victim-{uuid4()}")
    conversation = await chat.conversations.create(title="private")
    (message,) = await chat.messages.append(conversation.id, MessageCreate(role="user", content="private"))
    draft = await chat.drafts.begin(conversation.id, flush_seconds=3_600).__aenter__()
    await draft.write("private")
    await draft.flush()
    return Victim(chat, conversation.id, message.id, draft.id)


KINDS = {"conversations": ConversationRepository, "drafts": DraftRepository, "messages": MessageRepository}


def test_every_public_method_is_in_the_matrix() -> None:
    """A method that is added without its place here fails."""
    named = {name.split()[0] for name in BY_CONVERSATION} | set(BY_MESSAGE) | set(BY_DRAFT) | WITHOUT_ID
    methods = {f"{prefix}.{name}" for prefix, kind in KINDS.items() for name in vars(kind) if not name.startswith("_")}
    assert methods == named


@pytest.mark.parametrize("name", [*BY_CONVERSATION, *BY_MESSAGE])
@pytest.mark.parametrize("inside", ["alone", "unit of work"])
async def test_somebody_elses_is_as_absent_as_what_never_was(
    store: ChatStore, user_id: str, victim: Victim, connection: asyncpg.Connection, name: str, inside: str
) -> None:
    call = (BY_CONVERSATION | BY_MESSAGE)[name]
    theirs = victim.message_id if name in BY_MESSAGE else victim.conversation_id
    before = await _rows(connection, victim)
    missing = uuid4()

    if inside == "alone":
        chat = store.for_user(user_id)
        answers = [await _answer(call, chat.conversations, chat.messages, id) for id in (theirs, missing)]
    else:
        async with store.unit_of_work(user_id) as work:
            answers = [await _answer(call, work.conversations, work.messages, id) for id in (theirs, missing)]

    assert answers[0].replace(str(theirs), "?") == answers[1].replace(str(missing), "?")
    assert "private" not in answers[0]
    assert await _rows(connection, victim) == before


@pytest.mark.parametrize("name", [*BY_CONVERSATION, *BY_MESSAGE])
async def test_the_owners_own_call_is_answered(victim: Victim, name: str) -> None:
    """The positive control: each call of the matrix does find what it may find."""
    own = victim.message_id if name in BY_MESSAGE else victim.conversation_id

    answer = await _answer((BY_CONVERSATION | BY_MESSAGE)[name], victim.chat.conversations, victim.chat.messages, own)

    assert "NotFound" not in answer
    assert answer not in ("[]", "Page(items=[], next_cursor=None)")


@pytest.mark.parametrize("name", BY_DRAFT)
async def test_somebody_elses_draft_is_as_absent_as_what_never_was(
    store: ChatStore, user_id: str, victim: Victim, connection: asyncpg.Connection, name: str
) -> None:
    chat = store.for_user(user_id)
    before = await _rows(connection, victim)
    missing = uuid4(), uuid4()

    answers = [
        (await _answer(BY_DRAFT[name], chat, conversation_id, id))
        .replace(str(conversation_id), "?")
        .replace(str(id), "?")
        for conversation_id, id in ((victim.conversation_id, victim.draft_id), missing)
    ]

    assert answers[0] == answers[1]
    assert "private" not in answers[0]
    assert await _rows(connection, victim) == before


@pytest.mark.parametrize("name", BY_DRAFT)
async def test_the_owners_own_call_on_a_draft_is_answered(victim: Victim, name: str) -> None:
    answer = await _answer(BY_DRAFT[name], victim.chat, victim.conversation_id, victim.draft_id)

    assert "NotFound" not in answer
    assert answer not in ("[]", "Page(items=[], next_cursor=None)")


async def test_creating_with_somebody_elses_id_makes_ones_own(store: ChatStore, user_id: str, victim: Victim) -> None:
    chat = store.for_user(user_id)

    mine = await chat.conversations.create(id=victim.conversation_id)

    assert (mine.user_id, mine.title, mine.message_count) == (user_id, None, 0)
    assert await chat.messages.last(victim.conversation_id) == []


async def test_erasing_ones_own_leaves_somebody_elses(
    store: ChatStore, user_id: str, victim: Victim, connection: asyncpg.Connection
) -> None:
    before = await _rows(connection, victim)

    assert await store.for_user(user_id).erase() == 0

    assert await _rows(connection, victim) == before


async def test_raw_sql_cannot_put_a_message_into_another_users_conversation(
    user_id: str, victim: Victim, connection: asyncpg.Connection
) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await connection.execute(
            "INSERT INTO messages (conversation_id, user_id, position, id, role, content)"
            " VALUES ($1, $2, 99, $3, 'user', 'planted')",
            victim.conversation_id,
            user_id,
            uuid4(),
        )


async def _answer(call: Callable[..., Awaitable[Any]], *given: Any) -> str:
    try:
        return repr(await call(*given))
    except ChatPersistenceError as error:
        return repr(error)


async def _rows(connection: asyncpg.Connection, victim: Victim) -> list[Any]:
    return [
        await connection.fetch("SELECT * FROM conversations WHERE id = $1", victim.conversation_id),
        await connection.fetch("SELECT * FROM messages WHERE conversation_id = $1", victim.conversation_id),
        await connection.fetch("SELECT * FROM drafts WHERE conversation_id = $1", victim.conversation_id),
    ]
