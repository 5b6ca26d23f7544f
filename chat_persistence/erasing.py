"""Erasing one user: the key first, so that nothing encrypted can be read any more, then the conversations."""

from datetime import UTC, datetime
from uuid import UUID

from chat_persistence.execution import Execution
from chat_persistence.reports import ErasureReceipt
from chat_persistence.statements import erasing

ERASED_AT_ONCE = 500

_LAST_ID = UUID(int=2**128 - 1)


async def erase(execution: Execution, user_id: str, *, dry_run: bool) -> ErasureReceipt:
    """Erase, or with `dry_run` count what there is to erase."""
    key_statement = erasing.erasable_key if dry_run else erasing.erase_key
    user_keys = len(await execution.fetch(key_statement, owner=user_id))
    statement = erasing.erasable if dry_run else erasing.erase
    conversations = messages = drafts = 0
    upto: UUID | None = _LAST_ID
    while upto is not None:
        rows = await execution.fetch(statement, owner=user_id, chat_upto=upto, how_many=ERASED_AT_ONCE)
        for _, *counts in rows:
            conversations, messages, drafts = map(sum, zip((conversations, messages, drafts), counts, strict=True))
        upto = _below(rows[0][0]) if rows else None
    return ErasureReceipt(
        user_id=user_id,
        conversations=conversations,
        messages=messages,
        drafts=drafts,
        user_keys=user_keys,
        finished_at=datetime.now(UTC),
        dry_run=dry_run,
    )


def _below(id: UUID) -> UUID | None:
    return UUID(int=id.int - 1) if id.int else None
