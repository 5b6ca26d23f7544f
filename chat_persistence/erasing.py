"""Erasing one user: the key first, so that nothing encrypted can be read any more, then the conversations."""

from datetime import UTC, datetime
from uuid import UUID

from chat_persistence.execution import Execution
from chat_persistence.key_cache import destroy_key
from chat_persistence.options import Options
from chat_persistence.reports import ErasureReceipt
from chat_persistence.statements import erasing, user_keys

ERASED_AT_ONCE = 500

_LAST_ID = UUID(int=2**128 - 1)


async def erase(execution: Execution, options: Options, user_id: str, *, dry_run: bool) -> ErasureReceipt:
    """Erase, or with `dry_run` count what there is to erase."""
    # From then on nothing is written that could not be read, and what is left cannot be read.
    keys = await (_count_key if dry_run else destroy_key)(user_id, execution, options)
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
        user_keys=keys,
        finished_at=datetime.now(UTC),
        dry_run=dry_run,
    )


async def _count_key(user_id: str, execution: Execution, _: Options) -> int:
    return len(await execution.fetch(user_keys.get, owner=user_id))


def _below(id: UUID) -> UUID | None:
    return UUID(int=id.int - 1) if id.int else None
