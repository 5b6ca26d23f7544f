"""Answers that are lost: what can be repeated is, by its ids, and what cannot says so; nothing is lost or doubled."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from uuid import UUID, uuid4

from chat_persistence import (
    ChatPersistenceError,
    ChatStore,
    MessageCreate,
    MetadataSwap,
    OutcomeUnknown,
    StoreUnavailable,
    UserChats,
)
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.relay import Relay
from chat_persistence.selftest.scale import Scale
from chat_persistence.selftest.writers import Writers

LANES = 8
"""So many lines are cut at once, each in a relay of its own: a repetition waits before it is made."""

DROP_SECONDS = (0.1, 0.4)


class Lane:
    """One caller behind a relay of its own, with a conversation of its own."""

    def __init__(self, store: ChatStore, relay: Relay, user_id: str) -> None:
        self.store = store
        self.user_id = user_id
        self.chat: UserChats = store.for_user(user_id)
        self.conversation = uuid4()
        self.sent: list[UUID] = []
        """The ids of the messages that have to be there in the end, in this order."""
        self.token: str | None = None
        """What the conversation's metadata have to say in the end."""
        self.relay = relay
        self._arrives = cycle((True, False))

    def cut(self, words: bytes) -> None:
        """Lose the answer to the next question with these words, or the question too, by turns."""
        self.relay.cut_next(words, arrives=next(self._arrives))

    def new_message(self) -> MessageCreate:
        """Return a message that has to be there in the end."""
        message = MessageCreate(role="user", content="Hi")
        self.sent.append(message.id)
        return message

    def new_swap(self) -> MetadataSwap:
        """Return a swap of the token for another, which has to be there in the end."""
        expected, self.token = self.token, uuid4().hex
        return MetadataSwap("run", {"token": self.token}, None if expected is None else {"token": expected})

    async def resolved(self, operation: "Operation", times: int) -> int:
        """Return how often an operation whose line was cut ended as it should."""
        return sum([await operation(self) for _ in range(times)])

    async def wrong(self) -> tuple[int, int]:
        """Return how many messages are lost, and how many there are twice or out of order."""
        stored = [message.id async for message in self.chat.messages.iterate(self.conversation)]
        lost = set(self.sent).difference(stored)
        return len(lost), sum(a != b for a, b in zip(stored, self.sent, strict=False)) if not lost else len(stored)


Operation = Callable[[Lane], Awaitable[bool]]


async def append(lane: Lane) -> bool:
    """Append, and be answered as ever."""
    message = lane.new_message()
    lane.cut(message.id.hex.encode())
    (answer,) = await lane.chat.messages.append(lane.conversation, message, create_conversation=True)
    return (answer.id, answer.position) == (message.id, len(lane.sent))


async def append_at_position(lane: Lane) -> bool:
    """Append where the log is expected to be."""
    position = len(lane.sent)
    message = lane.new_message()
    lane.cut(message.id.hex.encode())
    (answer,) = await lane.chat.messages.append(lane.conversation, message, expected_position=position)
    return (answer.id, answer.position) == (message.id, position + 1)


async def append_and_swap(lane: Lane) -> bool:
    """Append, and swap the token, in one."""
    message = lane.new_message()
    lane.cut(message.id.hex.encode())
    (answer,) = await lane.chat.messages.append(lane.conversation, message, swap=lane.new_swap())
    return (answer.id, answer.position) == (message.id, len(lane.sent)) and await _has_token(lane)


async def swap(lane: Lane) -> bool:
    """Swap the token."""
    swap = lane.new_swap()
    lane.cut(str(lane.token).encode())
    swapped = await lane.chat.conversations.swap_metadata(lane.conversation, swap)
    return swapped.metadata == {"run": {"token": lane.token}}


async def _has_token(lane: Lane) -> bool:
    conversation = await lane.chat.conversations.get(lane.conversation)
    return conversation.metadata == {"run": {"token": lane.token}}


async def create(lane: Lane) -> bool:
    """Create a conversation."""
    conversation = uuid4()
    lane.cut(conversation.bytes)
    return (await lane.chat.conversations.create(id=conversation)).id == conversation


async def rename(lane: Lane) -> bool:
    """Rename the conversation."""
    title = uuid4().hex
    lane.cut(title.encode())
    return (await lane.chat.conversations.rename(lane.conversation, title)).title == title


async def archive(lane: Lane) -> bool:
    """Archive the conversation, and unarchive it."""
    lane.cut(lane.conversation.bytes)
    archived = await lane.chat.conversations.archive(lane.conversation)
    shown = await lane.chat.conversations.unarchive(lane.conversation)
    return archived.archived_at is not None and shown.archived_at is None


async def delete(lane: Lane) -> bool:
    """Delete a conversation."""
    created = await lane.chat.conversations.create()
    lane.cut(created.id.bytes)
    await lane.chat.conversations.delete(created.id)
    return True


async def rewind(lane: Lane) -> bool:
    """Rewind, which a late repetition would do to later messages too: it has to say that nobody knows."""
    lane.cut(lane.conversation.bytes)
    try:
        await lane.chat.messages.rewind(lane.conversation, len(lane.sent))
    except OutcomeUnknown:
        return True
    return False


async def rewind_at_position(lane: Lane) -> bool:
    """Rewind where the log is expected to be, which is found out about."""
    (newest,) = await lane.chat.messages.last(lane.conversation, 1)
    (extra,) = await lane.chat.messages.append(lane.conversation, MessageCreate(role="user", content="Hi"))
    lane.cut(lane.conversation.bytes)
    rewound = await lane.chat.messages.rewind(lane.conversation, newest.position, expected_position=extra.position)
    return (rewound.message_count, rewound.last_position) == (len(lane.sent), extra.position + 1)


async def statement_in_a_unit(lane: Lane) -> bool:
    """Lose a statement of a unit of work, which is then run again."""
    messages = lane.new_message(), lane.new_message()
    try:
        await _unit(lane, messages, before_the_last=lambda: lane.cut(messages[1].id.hex.encode()))
    except StoreUnavailable:
        return await _again(lane, messages)
    return False


async def commit(lane: Lane) -> bool:
    """Lose a COMMIT, which is always said, and run the unit of work again."""
    messages = lane.new_message(), lane.new_message()
    try:
        await _unit(lane, messages, before_commit=lambda: lane.cut(b"COMMIT"))
    except OutcomeUnknown:
        return await _again(lane, messages)
    return False


async def _unit(
    lane: Lane,
    messages: tuple[MessageCreate, MessageCreate],
    *,
    before_the_last: Callable[[], None] = lambda: None,
    before_commit: Callable[[], None] = lambda: None,
) -> None:
    question, answer = messages
    async with lane.store.unit_of_work(lane.user_id) as work:
        await work.messages.append(lane.conversation, question)
        before_the_last()
        await work.messages.append(lane.conversation, answer)
        before_commit()


async def _again(lane: Lane, messages: tuple[MessageCreate, MessageCreate]) -> bool:
    while True:
        try:
            await _unit(lane, messages)
        except ChatPersistenceError as error:
            if not error.retryable:
                return False
        else:
            return True


OPERATIONS: dict[str, Operation] = {
    "append: answered as ever": append,
    "append at a position: answered as ever": append_at_position,
    "append and swap: answered as ever": append_and_swap,
    "swap: answered as ever": swap,
    "create: answered as ever": create,
    "rename: answered as ever": rename,
    "archive: answered as ever": archive,
    "delete: answered as ever": delete,
    "rewind: outcome unknown": rewind,
    "rewind at a position: answered as ever": rewind_at_position,
    "COMMIT: outcome unknown": commit,
    "statement of a unit of work: unavailable": statement_in_a_unit,
}


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Cut the line under one operation after another, before its question arrived or before its answer did."""
    few = max(LANES, scale.cuts // 5)
    async with AsyncExitStack() as stack:
        lanes = [await stack.enter_async_context(_lane(arena)) for _ in range(LANES)]
        cuts = 0
        for name, operation in OPERATIONS.items():
            figure = await _resolved(lanes, name, operation, scale.cuts if operation in (append, commit) else few)
            cuts += figure.of or 0
            yield figure
        yield everything("lines cut for that", sum(lane.relay.cuts for lane in lanes), cuts)
        for figure in await _wrong(lanes):
            yield figure
    async with AsyncExitStack() as stack:
        lanes = [await stack.enter_async_context(_lane_of_host(arena)) for _ in range(LANES)]
        yield await _resolved(lanes, "COMMIT on a host's engine: outcome unknown", commit, few)
    async for figure in _dropped(arena, scale.outage_seconds):
        yield figure


async def _resolved(lanes: list[Lane], name: str, operation: Operation, cuts: int) -> Figure:
    times = -(-cuts // LANES)
    resolved = await asyncio.gather(*[lane.resolved(operation, times) for lane in lanes])
    return everything(name, sum(resolved), times * LANES)


async def _wrong(lanes: list[Lane]) -> tuple[Figure, Figure]:
    wrong = await asyncio.gather(*[lane.wrong() for lane in lanes])
    sent = sum(len(lane.sent) for lane in lanes)
    return (
        nothing("messages lost", sum(lost for lost, _ in wrong), sent),
        nothing("messages stored twice or out of order", sum(doubled for _, doubled in wrong), sent),
    )


@asynccontextmanager
async def _lane(arena: Arena) -> AsyncIterator[Lane]:
    async with arena.relay() as (url, relay), arena.store(url, pool_size=2) as store:
        yield await _begun(store, relay)


@asynccontextmanager
async def _lane_of_host(arena: Arena) -> AsyncIterator[Lane]:
    async with (
        arena.relay() as (url, relay),
        arena.host_engine(url) as engine,
        arena.joined_store(engine) as store,
    ):
        yield await _begun(store, relay)


async def _begun(store: ChatStore, relay: Relay) -> Lane:
    lane = Lane(store, relay, Arena.new_user())
    await lane.chat.conversations.create(id=lane.conversation)
    return lane


async def _dropped(arena: Arena, seconds: float) -> AsyncIterator[Figure]:
    """Cut all lines at random moments, under load."""
    async with arena.relay() as (url, relay), arena.store(url) as store:
        writers = Writers(store, arena.new_user())
        async with writers.writing():
            end = asyncio.get_running_loop().time() + seconds
            while asyncio.get_running_loop().time() < end:
                await asyncio.sleep(random.uniform(*DROP_SECONDS))  # noqa: S311
                relay.drop_all()
        async for figure in writers.losses("lines cut at random"):
            yield figure


CHECK = Check("lost answers", run)
