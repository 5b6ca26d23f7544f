"""The messages that lead up to one, however many they are."""

from collections.abc import Sequence
from uuid import UUID

from chat_persistence import MessageNotFound, MessageRead, MessageRepository

PAGE = 1000


async def rows_through(messages: MessageRepository, id: UUID, how_many: int | None = None) -> list[MessageRead]:
    """Return the newest `how_many` messages of a conversation up to one of them, oldest first; all without a number.

    One statement for each 1,000, and where there are more, another that looks whether what was read is one history:
    raise `MessageNotFound` when the message is gone by then, or has been from the first.
    """
    first = PAGE if how_many is None else min(how_many, PAGE)
    rows = await messages.through(id, first)
    if len(rows) < PAGE or how_many == PAGE:
        return rows
    last = rows[-1]
    rows = await _with_older(messages, rows, how_many)
    (still,) = await messages.through(id, 1)
    if (still.conversation_id, still.position) != (last.conversation_id, last.position):
        raise MessageNotFound(id)
    return rows


async def all_rows(messages: MessageRepository, conversation_id: UUID) -> list[MessageRead]:
    """Return all messages of a conversation, oldest first; in a unit of work, of a log that nobody else moves."""
    rows = await messages.last(conversation_id, PAGE)
    return await _with_older(messages, rows, None) if len(rows) == PAGE else rows


async def _with_older(
    messages: MessageRepository, rows: Sequence[MessageRead], how_many: int | None
) -> list[MessageRead]:
    pages = [rows]
    read = len(rows)
    while len(pages[0]) == PAGE and (how_many is None or read < how_many):
        limit = PAGE if how_many is None else min(PAGE, how_many - read)
        oldest = pages[0][0]
        older = await messages.page(oldest.conversation_id, limit, before=oldest.position)
        pages.insert(0, older.items)
        read += len(older.items)
    return [row for page in pages for row in page]
