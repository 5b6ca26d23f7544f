"""Strings that mean something to SQL, in every argument that takes a string, keys included: they are only strings."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from pydantic import ValidationError

from chat_persistence import (
    ChatPersistenceError,
    ChatStore,
    ConversationLoad,
    ConversationNotFound,
    ConversationUpdate,
    InvalidInput,
    MessageCreate,
    MetadataSwap,
    ToolCall,
    UserChats,
)
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.injections import strings
from chat_persistence.selftest.methods import ALONE, new_target
from chat_persistence.selftest.scale import Scale

_log = logging.getLogger(__name__)

ROWS_OF = (
    "SELECT md5(string_agg(row, '' ORDER BY row)) FROM ("
    "SELECT c::text FROM conversations c WHERE user_id = $1 UNION ALL SELECT m::text FROM messages m WHERE user_id = $1"
    ") AS rows (row)"
)
TABLES = "SELECT array_agg(relname ORDER BY relname)::text FROM pg_class WHERE relnamespace = $1::regnamespace"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One string, tried by one user on everything."""

    store: ChatStore
    chat: UserChats
    user_id: str
    text: str
    conversation_id: UUID
    victims_conversation_id: UUID

    def message(self) -> MessageCreate:
        """Return a message with the string wherever it is accepted."""
        return MessageCreate(
            role="user",
            content=self.text,
            native={self.text: [self.text]},
            metadata={self.text: {self.text: self.text}},
            tool_calls=[ToolCall(id="c", arguments=self.text, result={self.text: self.text})],
        )


async def _creates(it: Attempt) -> bool:
    created = await it.chat.conversations.create(metadata={it.text: it.text})
    return created.user_id == it.user_id and created.metadata == {it.text: it.text}


async def _titles(it: Attempt) -> bool:
    return (await it.chat.conversations.create(title=it.text)).title == it.text


async def _renames(it: Attempt) -> bool:
    return (await it.chat.conversations.rename(it.conversation_id, it.text)).title == it.text


async def _updates(it: Attempt) -> bool:
    metadata = {it.text: [{it.text: it.text}]}
    changed = await it.chat.conversations.update(it.conversation_id, ConversationUpdate(metadata=metadata))
    return changed.metadata == metadata


async def _swaps(it: Attempt) -> bool:
    conversation = await it.chat.conversations.create()
    first, second = {it.text: it.text}, {it.text: [it.text]}
    await it.chat.messages.append(conversation.id, it.message(), swap=MetadataSwap(it.text, first, None))
    swap = MetadataSwap(it.text, second, first)
    return (await it.chat.conversations.swap_metadata(conversation.id, swap)).metadata == {it.text: second}


async def _appends_and_reads(it: Attempt) -> bool:
    sent = it.message()
    (answered,) = await it.chat.messages.append(it.conversation_id, sent)
    read = await it.chat.messages.last(it.conversation_id)
    fields = ("content", "native", "metadata", "tool_calls")
    return read[-1] == answered and all(getattr(sent, name) == getattr(answered, name) for name in fields)


async def _calls_tools(it: Attempt) -> bool:
    call = ToolCall(id=it.text, name=it.text, arguments="{}")
    message = MessageCreate(role="assistant", content="x", tool_calls=[call])
    (answered,) = await it.chat.messages.append(it.conversation_id, message)
    return answered.tool_calls == [call]


async def _works_in_a_unit(it: Attempt) -> bool:
    async with it.store.unit_of_work(it.user_id) as work:
        created = await work.conversations.create(metadata={it.text: it.text})
        (answered,) = await work.messages.append(created.id, it.message())
    return answered.user_id == it.user_id and answered.content == it.text


async def _loads(it: Attempt) -> bool:
    conversation = ConversationLoad(
        user_id=it.user_id, id=uuid4(), metadata={it.text: it.text}, messages=[it.message()]
    )
    await it.store.load([conversation])
    found = await it.chat.conversations.get_with_messages(conversation.id)
    return [message.content for message in found.messages] == [it.text]


async def _lists_own(it: Attempt) -> bool:
    listed = (await it.chat.conversations.page(1000)).items
    return {conversation.user_id for conversation in listed} == {it.user_id}


async def _finds_nothing_of_others(it: Attempt) -> bool:
    try:
        await it.chat.conversations.get(it.victims_conversation_id)
    except ConversationNotFound:
        return await it.chat.messages.last(it.victims_conversation_id) == []
    return False


async def _finds_own(it: Attempt) -> bool:
    found = (await it.chat.messages.search(it.text)).items
    return {hit.message.user_id for hit in found} <= {it.user_id}


async def _names_no_user(it: Attempt) -> bool:
    return all(user_id.encode() > it.text.encode() for user_id in await it.store.users(after=it.text, limit=3))


async def _searches_on(it: Attempt) -> bool:
    await it.chat.messages.search("private", after=it.text)
    return False


async def _pages_conversations(it: Attempt) -> bool:
    await it.chat.conversations.page(after=it.text)
    return False


async def _pages_back(it: Attempt) -> bool:
    await it.chat.messages.page(it.conversation_id, before=it.text)
    return False


async def _pages_on(it: Attempt) -> bool:
    await it.chat.messages.page(it.conversation_id, after=it.text)
    return False


async def _does_the_rest(it: Attempt) -> bool:
    target = await new_target(it.store, it.user_id, it.text)
    for name in REST:
        await ALONE[name](it.store, target)
    return True


async def _erases_own(it: Attempt) -> bool:
    erased = await it.chat.erase()
    return erased > 0 and await it.chat.erase() == 0


REST = (
    *("conversations.get", "conversations.get_with_messages", "conversations.archive", "conversations.unarchive"),
    *("messages.append creating", "messages.append expecting", "messages.last whole", "messages.last_turns"),
    *("messages.page", "messages.page before", "messages.page after", "messages.get", "messages.through"),
    "messages.iterate",
    *("drafts.write", "drafts.page", "drafts.finish", "drafts.abort", "drafts.discard"),
    *("messages.rewind", "conversations.delete"),
)
"""What takes no string but the user's id."""

FOREIGN = ("listing", "somebody else's", "search")
"""Where another user's rows would be seen."""

TRIES: Mapping[str, Callable[[Attempt], Awaitable[bool]]] = {
    "metadata": _creates,
    "title": _titles,
    "new title": _renames,
    "new metadata": _updates,
    "swapped key": _swaps,
    "content and JSON": _appends_and_reads,
    "tool call": _calls_tools,
    "unit of work": _works_in_a_unit,
    "load": _loads,
    "listing": _lists_own,
    "somebody else's": _finds_nothing_of_others,
    "search": _finds_own,
    "users": _names_no_user,
    "cursor of conversations": _pages_conversations,
    "cursor before": _pages_back,
    "cursor after": _pages_on,
    "cursor of a search": _searches_on,
    "every other method": _does_the_rest,
    "erase": _erases_own,
}
"""Whether what was given is what is there; or `InvalidInput`, which is as good."""


@dataclass
class Outcome:
    """What came of all tries."""

    tries: int = 0
    right: int = 0
    foreign: int = 0
    failed: int = 0

    async def add(self, attempt: Attempt) -> None:
        """Try one string on everything."""
        for name, do in TRIES.items():
            self.tries += 1
            try:
                is_right = await do(attempt)
            except (InvalidInput, ValidationError):
                is_right = True
            except ChatPersistenceError as error:
                is_right = False
                self.failed += 1
                _log.warning("%s: %r: %r", name, attempt.text, error)
            self.right += is_right
            self.foreign += name in FOREIGN and not is_right


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Try each string, as the name of a user as well where it can be one, beside a victim's rows."""
    outcome = Outcome()
    victim_id = arena.new_user()
    async with arena.store() as store, arena.connection() as connection:
        victim = store.for_user(victim_id)
        theirs = await victim.conversations.create(title="private")
        await victim.messages.append(theirs.id, MessageCreate(role="user", content="private"))
        before = await _state(connection, arena, victim_id)
        for text in strings(scale.injections):
            await outcome.add(await _attempt(store, arena, text, theirs.id))
        after = await _state(connection, arena, victim_id)
    yield everything("arguments stored and read as what they are, or refused", outcome.right, outcome.tries)
    yield nothing("syntax errors, and any other of the database", outcome.failed, outcome.tries)
    yield nothing("answers with somebody else's rows", outcome.foreign, len(FOREIGN) * scale.injections)
    yield nothing("changes of somebody else's rows, or of the tables", sum(map(_differ, before, after)))


async def _attempt(store: ChatStore, arena: Arena, text: str, theirs: UUID) -> Attempt:
    try:
        chat, user_id = store.for_user(text), text
    except InvalidInput:
        user_id = arena.new_user()
        chat = store.for_user(user_id)
    own = await chat.conversations.create()
    return Attempt(store, chat, user_id, text, own.id, theirs)


async def _state(connection: "asyncpg.Connection", arena: Arena, user_id: str) -> tuple[Any, Any]:
    rows = await connection.fetchval(ROWS_OF, user_id)
    return rows, await connection.fetchval(TABLES, arena.schema)


def _differ(one: Any, other: Any) -> bool:
    return one is None or one != other


CHECK = Check("injection", run)
