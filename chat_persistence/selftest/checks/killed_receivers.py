"""Processes that are killed while they receive replies: what they had is found, and becomes one message, whole."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from chat_persistence import ChatStore, MessageRead, UserChats
from chat_persistence.selftest import receiver
from chat_persistence.selftest.addresses import with_parameters
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, nothing
from chat_persistence.selftest.receiver import FLUSH_SECONDS, SHORT, whole
from chat_persistence.selftest.scale import Scale

AT_ONCE = 4
LIFE_SECONDS = (1.2, 2.0)
GRACE_SECONDS = 1.0
"""For a part to be on its way, on a machine that is busy with others."""


@dataclass(slots=True)
class Told:
    """What a receiver said of one reply: when it had how many tokens, and whether it was done."""

    seconds: list[float] = field(default_factory=list)
    is_done: bool = False

    def tokens_before(self, moment: float) -> int:
        """Return how many it had by then."""
        return sum(second < moment for second in self.seconds)


@dataclass(slots=True)
class Outcome:
    """What came of all kills."""

    replies: int = 0
    parts: int = 0
    recovered: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    left: int = 0


async def run(arena: Arena, scale: Scale) -> AsyncIterator[Figure]:
    """Kill receivers, some at a time, and have two recoverers at once look after what each left."""
    outcome = Outcome()
    places = asyncio.Semaphore(AT_ONCE)
    async with arena.store() as store:

        async def play() -> None:
            async with places:
                await _kill_one(arena, store, outcome)

        async with asyncio.TaskGroup() as rounds:
            for _ in range(scale.killed_receivers):
                rounds.create_task(play())
    yield Figure("processes killed while they received", scale.killed_receivers, scale.killed_receivers)
    yield Figure("drafts made messages by two recoverers at once", outcome.recovered, 1, at_least=True)
    yield nothing(f"tokens lost that were older than {FLUSH_SECONDS + GRACE_SECONDS} s", outcome.lost)
    yield nothing("replies stored twice, or both as a draft and as a message", outcome.doubled, outcome.replies)
    yield nothing("replies that are no exact beginning of what was received", outcome.torn, outcome.replies)
    yield nothing("parts left behind", outcome.left, outcome.parts)


async def _kill_one(arena: Arena, store: ChatStore, outcome: Outcome) -> None:
    user_id = arena.new_user()
    chat = store.for_user(user_id)
    conversation = await chat.conversations.create()
    told, killed_at = await _live_and_die(arena, user_id, conversation.id)
    while await arena.backends(user_id):
        await asyncio.sleep(0.01)  # what it had sent is still carried out
    finished = {message.id: message async for message in chat.messages.iterate(conversation.id)}
    drafts = {draft.id: draft for draft in (await chat.drafts.page(conversation.id, 1000)).items}
    messages = finished | {draft_id: await _recover(chat, conversation.id, draft_id) for draft_id in drafts}
    outcome.doubled += len(drafts.keys() & finished.keys())
    outcome.doubled += abs((await chat.conversations.get(conversation.id)).message_count - len(messages))
    outcome.replies += len(told)
    outcome.recovered += len(drafts)
    outcome.parts += sum(draft.parts for draft in drafts.values())
    for reply_id, reply in told.items():
        _judge(reply, messages.get(reply_id), killed_at, outcome)
    async with arena.connection() as connection:
        outcome.left += await connection.fetchval("SELECT count(*) FROM drafts WHERE user_id = $1", user_id)


def _judge(reply: Told, message: MessageRead | None, killed_at: float, outcome: Outcome) -> None:
    content = "" if message is None else message.content
    tokens = content.count(" ")
    must_have = reply.tokens_before(killed_at - FLUSH_SECONDS - GRACE_SECONDS)
    is_finished = message is not None and message.metadata is None
    outcome.torn += content != whole(tokens) or (is_finished and tokens != SHORT)
    outcome.lost += max(0, (SHORT if reply.is_done else must_have) - tokens)


async def _recover(chat: UserChats, conversation_id: UUID, draft_id: UUID) -> MessageRead:
    one, other = await asyncio.gather(*(chat.drafts.abort(conversation_id, draft_id) for _ in range(2)))
    if one != other:
        raise AssertionError(f"two recoverers of {draft_id} were told two messages")
    return one


async def _live_and_die(arena: Arena, user_id: str, conversation_id: UUID) -> tuple[dict[UUID, Told], float]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", receiver.__name__, arena.schema, user_id, str(conversation_id)),
        env=os.environ | {"DATABASE_URL": with_parameters(arena.url, application_name=user_id)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    told: dict[UUID, Told] = {}
    try:
        listening = asyncio.create_task(_listen(process, told))
        while not told:
            await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(*LIFE_SECONDS))  # noqa: S311
    finally:
        killed_at = asyncio.get_running_loop().time()
        process.kill()
    await listening
    await process.wait()
    return told, killed_at


async def _listen(process: asyncio.subprocess.Process, told: dict[UUID, Told]) -> None:
    loop = asyncio.get_running_loop()
    while process.stdout and (line := await process.stdout.readline()).endswith(b"\n"):
        what, reply_id, *_ = line.decode().split()
        reply = told.setdefault(UUID(reply_id), Told())
        if what == "token":
            reply.seconds.append(loop.time())
        else:
            reply.is_done = True


CHECK = Check("killed receivers", run)
