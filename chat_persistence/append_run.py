"""How an append is run: encrypted where the store encrypts; and the loser of two equal ones once more."""

from collections.abc import Mapping
from typing import Any

from chat_persistence.batch import Batch
from chat_persistence.compilation import Statement
from chat_persistence.errors import ConcurrentAppend, DatabaseFailure, UserNotFound
from chat_persistence.execution import Execution, Rows
from chat_persistence.rows import message_from
from chat_persistence.sealed_text import Seal
from chat_persistence.statements import appending
from chat_persistence.translation import UNIQUE_VIOLATION, USER_MISSING
from chat_persistence.user_seals import UserSeals
from chat_persistence.values import MessageRead

_SEALED: dict[Statement, Statement] = {
    appending.append: appending.append_sealed,
    appending.append_or_create: appending.append_sealed_or_create,
    appending.append_and_clear: appending.append_sealed_and_clear,
}


async def append_batch(
    execution: Execution,
    seals: UserSeals | None,
    user_id: str,
    batch: Batch,
    statement: Statement,
    arguments: dict[str, Any],
) -> list[MessageRead]:
    """Run a statement of `statements.appending`, or its sealed kind, and return the records of its rows."""
    if seals is None:
        return [message_from(row) for row in await fetch_append(execution, statement, user_id, arguments)]

    async def append(seal: Seal) -> list[MessageRead]:
        sealed = batch.sealed(arguments, seal)
        return await seals.read(await fetch_append(execution, _SEALED[statement], user_id, sealed), message_from, seal)

    return await seals.with_seal(append)


async def fetch_append(execution: Execution, statement: Statement, user_id: str, arguments: Mapping[str, Any]) -> Rows:
    """Run a statement of `statements.appending` and return its rows, or raise one of our errors."""
    try:
        return await execution.fetch(statement, owner=user_id, **arguments)
    except DatabaseFailure as failure:
        if failure.sqlstate in USER_MISSING:
            raise UserNotFound(user_id) from None
        if failure.sqlstate != UNIQUE_VIOLATION:
            raise
    # The normal answer to the loser of two racing equal sends, and right after one more run. A second
    # time in a row means a damaged counter: that is raised as it is, and never looped on.
    if not execution.is_alone:
        raise ConcurrentAppend
    return await execution.fetch(statement, owner=user_id, **arguments)
