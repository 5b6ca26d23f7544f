"""The process that receives replies until it is killed, and says what it was given.

Run as `python -m chat_persistence.selftest.receiver schema user conversation`, with the store's URL in `DATABASE_URL`.
It tells in lines: `token id number` after each write, `done id` after each reply. Four receive short replies one after
another, and one receives a long one. When nobody reads what it tells, it ends.
"""

import asyncio
import sys
from uuid import UUID

from chat_persistence.store import ChatStore
from chat_persistence.user_chats import UserChats

FLUSH_SECONDS = 0.05
TOKEN_SECONDS = 0.005
SHORT = 30
LONG = 20_000
RECEIVERS = 4


def token(number: int) -> str:
    """Return one token of every reply."""
    return f"{number} "


def whole(tokens: int) -> str:
    """Return what so many tokens are together."""
    return "".join(map(token, range(tokens)))


async def receive(chat: UserChats, conversation_id: UUID, tokens: int) -> None:
    """Receive one reply."""
    async with chat.drafts.begin(conversation_id, flush_seconds=FLUSH_SECONDS) as reply:
        for number in range(tokens):
            await reply.write(token(number))
            _tell(f"token {reply.id} {number}")
            await asyncio.sleep(TOKEN_SECONDS)
    _tell(f"done {reply.id}")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _receive_short(chat: UserChats, conversation_id: UUID) -> None:
    while True:
        await receive(chat, conversation_id, SHORT)


async def main(schema: str, user_id: str, conversation_id: UUID) -> None:
    """Receive until the end."""
    async with ChatStore(schema=schema) as store, asyncio.TaskGroup() as receivers:
        chat = store.for_user(user_id)
        receivers.create_task(receive(chat, conversation_id, LONG))
        for _ in range(RECEIVERS):
            receivers.create_task(_receive_short(chat, conversation_id))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], UUID(sys.argv[3])))
