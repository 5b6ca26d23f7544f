"""The drafts of all users, those to which nothing is added any more: an operator's walk along their key."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

from chat_persistence.draft_parts import draft_from
from chat_persistence.draft_values import DraftRead
from chat_persistence.execution import Execution
from chat_persistence.observer import Observer
from chat_persistence.statements import across_users
from chat_persistence.user_seals import UserSeals

READ_AT_ONCE = 20
"""Each may be as long as a message."""

FIRST = UUID(int=0)


async def walk(
    execution: Execution, observer: Observer, seconds: float, seals_for: Callable[[str], UserSeals | None]
) -> AsyncIterator[DraftRead]:
    """Yield them, a page at a time, and hold no connection in between."""
    place: dict[str, Any] = {"owner_after": "", "chat": FIRST, "message_after": FIRST}
    while True:
        with observer.begin("drafts") as operation:
            rows = await execution.fetch(across_users.quiet_drafts, seconds=seconds, how_many=READ_AT_ONCE, **place)
            operation.answered(rows)
        for row in rows:
            seals = seals_for(row[1])
            yield draft_from(row) if seals is None else (await seals.read([row], draft_from))[0]
        if len(rows) < READ_AT_ONCE:
            return
        chat, owner, message, *_ = rows[-1]
        place = {"owner_after": owner, "chat": chat, "message_after": message}
