"""What the SDK's compaction asks of a store beyond the protocol: its summary in the place of what it sums up, at once.

From version 0.23 on. Without it, a window would be taken for the whole history and all there is deleted for a summary
of it; and what is deleted would be lost with a process that ends before the summary is stored.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from chat_persistence.errors import ConversationChanged, ConversationNotFound
from chat_persistence.integrations.openai_agents.session_log import SessionLog, Tail, items_in
from chat_persistence.provider_formats.openai_sessions import Item


@dataclass(frozen=True, slots=True)
class CompactionSnapshot:
    """The newest items, whether they are all, and what puts others in the place of those from an index on.

    It returns whether it did: not when anything was stored or deleted since.
    """

    items: list[Item]
    complete: bool
    replace_suffix: Callable[[int, list[Item]], Awaitable[bool]]


async def read_snapshot(log: SessionLog, limit: int) -> CompactionSnapshot:
    """Return a snapshot of the newest `limit` items, by one read."""
    try:
        tail = await log.tail(limit + 1)
    except ConversationNotFound:
        tail = Tail([], 0)
    items = items_in(tail.rows)
    hidden = max(len(items) - limit, 0)

    async def replace_suffix(start: int, output: list[Any]) -> bool:
        if start >= len(items) - hidden:
            return False
        after, kept = _cut(tail, hidden + start)
        try:
            await log.replace(tail.revision, after, [*kept, *output])
        except (ConversationChanged, ConversationNotFound):
            return False
        return True

    return CompactionSnapshot(items[hidden:], hidden == 0, replace_suffix)


def _cut(tail: Tail, start: int) -> tuple[int, list[Item]]:
    """Return the position before the row of an item, and the items of that row which are before it."""
    for row in tail.rows:
        if start < len(row.items):
            return row.position - 1, row.items[:start]
        start -= len(row.items)
    raise IndexError(start)
