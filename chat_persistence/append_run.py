"""How an append is run: the loser of two equal ones is right after one more run."""

from collections.abc import Mapping
from typing import Any

from chat_persistence.compilation import Statement
from chat_persistence.errors import ConcurrentAppend, DatabaseFailure, UserNotFound
from chat_persistence.execution import Execution, Rows
from chat_persistence.translation import UNIQUE_VIOLATION, USER_MISSING


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
