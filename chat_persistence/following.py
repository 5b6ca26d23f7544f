"""A conversation's messages as they come: read on by position, with waits in between."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from operator import attrgetter
from uuid import UUID

from chat_persistence.errors import ChatPersistenceError, ConversationNotFound, StoreUnavailable
from chat_persistence.execution import Rows
from chat_persistence.statements.following import WHEREABOUTS
from chat_persistence.user_seals import UserSeals, read_messages
from chat_persistence.validation import MAX_POSITION
from chat_persistence.values import MessageRead
from chat_persistence.watches import Watch

FOLLOWED_PAGE = 200

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
"""Before a store that could not answer is asked again."""


class Follower:
    """One reading of one conversation. `read` returns rows of `statements.news`, `lease` says that it is followed.

    Positions are handed out under the lock of the conversation's row, and seen in their order: who has seen one has
    seen all that there are before it, and misses nothing by reading on from there.
    """

    def __init__(
        self,
        conversation_id: UUID,
        watch: Watch,
        read: Callable[[UUID, int], Awaitable[Rows]],
        lease: Callable[[UUID], Awaitable[bool]],
        seals: UserSeals | None,
        patience: float,
    ) -> None:
        self._conversation_id = conversation_id
        self._watch = watch
        self._read = read
        self._lease = lease
        self._seals = seals
        self._patience = patience

    async def messages(self, after: int | None) -> AsyncGenerator[MessageRead, None]:
        """Yield the messages after a position, or, without one, those that come from now on."""
        place, began = after, None
        with self._watch as watch:
            while True:
                rows = await self._look(MAX_POSITION if place is None else place)
                # Another conversation may have its id by now.
                if not rows or began not in (None, rows[0][0]):
                    raise ConversationNotFound(self._conversation_id)
                began, last_position = rows[0][:2]
                place = last_position if place is None else place
                messages = await self._messages(rows)
                for message in messages:
                    place = message.position
                    yield message
                if messages:
                    watch.finds()
                if len(messages) < FOLLOWED_PAGE:
                    await watch.wait()

    async def _look(self, place: int) -> Rows:
        self._watch.looks()
        # Before it is read: what is stored in between is either read or announced.
        if self._watch.is_lease_due():
            await self._renew_lease()
        return await self._read_patiently(place)

    async def _renew_lease(self) -> None:
        try:
            is_held = await self._lease(self._conversation_id)
        except ChatPersistenceError:
            self._watch.lease_refused()  # if more is wrong than that, reading will tell
        else:
            self._watch.leased(is_held=is_held)

    async def _read_patiently(self, place: int) -> Rows:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._read(self._conversation_id, place)
            except StoreUnavailable:
                if loop.time() >= until:
                    raise
            await self._watch.wait_at_most(pause)
            self._watch.looks()
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _messages(self, rows: Rows) -> list[MessageRead]:
        width = len(WHEREABOUTS)
        newer = [tuple(row)[width:] for row in rows if row[width] is not None]
        return sorted(await read_messages(newer, self._seals), key=attrgetter("position"))
