"""Any text and any JSON: it comes back equal on every way in and out, or is refused before anything is sent."""

from collections.abc import AsyncIterator, Iterable, Sequence
from uuid import UUID, uuid4

from pydantic import ValidationError

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ConversationUpdate,
    InvalidInput,
    MessageConflict,
    MessageCreate,
    MessageRead,
    ToolCall,
)
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.hostile_values import HostileValues
from chat_persistence.selftest.relay import Relay
from chat_persistence.selftest.sameness import is_same
from chat_persistence.selftest.scale import Scale

BATCH = 1000
SEED = 1


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Store as many messages as the scale says, a thousand at a time, and refuse a tenth as many."""
    async with arena.relay() as (url, relay), arena.store(url, pool_size=1) as store:
        async for figure in _returned(store, arena.new_user(), scale.hostile_values):
            yield figure
        async for figure in _refused(store, relay, arena.new_user(), scale.hostile_values // 10):
            yield figure


async def _returned(store: ChatStore, user_id: str, how_many: int) -> AsyncIterator[Figure]:
    values = HostileValues(SEED)
    ways = {
        "as answered by append": 0,
        "as read": 0,
        "as answered by the same append again": 0,
        "as loaded and read": 0,
    }
    for start in range(0, how_many, BATCH):
        sent = [message_of(values) for _ in range(min(BATCH, how_many - start))]
        answers = [
            await _appended(store, user_id, conversation_id := uuid4(), sent),
            await _read(store, user_id, conversation_id),
            await _appended(store, user_id, conversation_id, sent),
            await _loaded(store, f"{user_id}-loaded", sent),
        ]
        for way, answer in zip(ways, answers, strict=True):
            ways[way] += _count_same(sent, answer)
    for way, same in ways.items():
        yield everything(f"messages of any text and JSON equal {way}", same, how_many)
    conversations = how_many // 10
    kept = [await _is_conversation_kept(store, user_id, values) for _ in range(conversations)]
    yield everything("conversations of any metadata equal", sum(kept), conversations)


def message_of(values: HostileValues) -> MessageCreate:
    """Return a message with hostile values wherever they are accepted."""
    return MessageCreate(
        role="user",
        content=values.text() or "x",
        native=values.json(),
        metadata=values.json_object(),
        tool_calls=[ToolCall(id="c1", name="x", arguments=values.text()), ToolCall(id="c1", result=values.json())],
    )


async def _appended(
    store: ChatStore, user_id: str, conversation_id: UUID, sent: Sequence[MessageCreate]
) -> Sequence[MessageRead]:
    try:
        return await store.for_user(user_id).messages.append(conversation_id, *sent, create_conversation=True)
    except MessageConflict:
        return ()


async def _read(store: ChatStore, user_id: str, conversation_id: UUID) -> Sequence[MessageRead]:
    return [message async for message in store.for_user(user_id).messages.iterate(conversation_id)]


async def _loaded(store: ChatStore, user_id: str, sent: Sequence[MessageCreate]) -> Sequence[MessageRead]:
    conversation = ConversationLoad(user_id=user_id, id=uuid4(), messages=sent)
    await store.load([conversation])
    return await _read(store, user_id, conversation.id)


async def _is_conversation_kept(store: ChatStore, user_id: str, values: HostileValues) -> bool:
    chat = store.for_user(user_id)
    first, second = values.json_object(), values.json_object()
    created = await chat.conversations.create(metadata=first)
    changed = await chat.conversations.update(created.id, ConversationUpdate(metadata=second))
    return is_same(first, created.metadata, exactly=False) and is_same(second, changed.metadata, exactly=False)


def _count_same(sent: Iterable[MessageCreate], answered: Iterable[MessageRead]) -> int:
    return sum(map(is_returned, sent, answered))


def is_returned(sent: MessageCreate, read: MessageRead) -> bool:
    """Whether a message came back as it was sent: `native` to the order of its keys, all else as jsonb keeps it."""
    return (
        sent.content == read.content
        and read.unreadable == ()
        and is_same(sent.native, read.native, exactly=True)
        and is_same(sent.metadata, read.metadata, exactly=False)
        and len(sent.tool_calls) == len(read.tool_calls)
        and all(
            (one.id, one.name, one.arguments, one.has_result)
            == (other.id, other.name, other.arguments, other.has_result)
            and (not one.has_result or is_same(one.result, other.result, exactly=False))
            for one, other in zip(sent.tool_calls, read.tool_calls, strict=True)
        )
    )


async def _refused(store: ChatStore, relay: Relay, user_id: str, how_many: int) -> AsyncIterator[Figure]:
    values = HostileValues(SEED)
    conversation = await store.for_user(user_id).conversations.create()
    turns, refused = relay.turns, 0
    for number in range(how_many):
        try:
            await _give(store, user_id, conversation.id, number, values.no_json())
        except (ValidationError, InvalidInput):
            refused += 1
    yield everything("values that are no JSON refused", refused, how_many)
    yield nothing("round trips before a refusal", relay.turns - turns, how_many)


async def _give(store: ChatStore, user_id: str, conversation_id: UUID, number: int, value: object) -> None:
    chat = store.for_user(user_id)
    places = (
        {"native": value},
        {"metadata": {"a": value}},
        {"metadata": value},
        {"tool_calls": [ToolCall(id="c1", result=value)]},
    )
    if number % 6 < len(places):
        message = MessageCreate.model_validate({"role": "user", "content": "x", **places[number % 6]})
        await chat.messages.append(conversation_id, message)
    elif number % 6 == len(places):
        await chat.conversations.create(metadata={"a": value})
    else:
        await chat.conversations.update(conversation_id, ConversationUpdate(metadata={"a": value}))


CHECK = Check("any text and JSON", run)
