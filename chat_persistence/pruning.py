"""Pruning: deleting conversations without activity since a moment, of all users, some at a time.

It walks the key, and looks at each conversation once; so one that was interrupted is simply run again.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chat_persistence.errors import InvalidInput
from chat_persistence.execution import Execution
from chat_persistence.reports import PruneReport
from chat_persistence.statements import across_users

EXAMINED_AT_ONCE = 1_000

_FIRST_KEY = ("", UUID(int=0))
"""Before all users, none of whom has an empty id."""


async def prune(
    execution: Execution,
    older_than: timedelta | datetime,
    *,
    archived: bool | None,
    dry_run: bool,
    on_progress: Callable[[PruneReport], None] | None,
) -> PruneReport:
    """Delete what is older, and return what it came to."""
    report = PruneReport(await _moment(execution, older_than), dry_run)
    statement = across_users.prunable if dry_run else across_users.prune
    key = _FIRST_KEY
    kinds: dict[str, Any] = {"of_active": archived is not True, "of_archived": archived is not False}
    while rows := await execution.fetch(
        statement, owner_after=key[0], chat_after=key[1], how_many=EXAMINED_AT_ONCE, moment=report.before, **kinds
    ):
        user_id, conversation_id, *counts = rows[0]
        key = user_id, conversation_id
        report = _with(report, *counts)
        if on_progress is not None:
            on_progress(report)
    return report


def check_older_than(older_than: Any) -> timedelta | datetime:
    """Return an age or a moment, or raise `InvalidInput`."""
    if isinstance(older_than, timedelta) and older_than < timedelta(0):
        raise InvalidInput("older_than", "must not be negative")
    if isinstance(older_than, datetime):
        return _in_utc(older_than)
    if not isinstance(older_than, timedelta):
        raise InvalidInput("older_than", "must be a timedelta or a datetime")
    return older_than


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise InvalidInput("older_than", "must know its time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("older_than", "must be in the years 1 to 9999 of UTC") from None


async def _moment(execution: Execution, older_than: timedelta | datetime) -> datetime:
    if isinstance(older_than, datetime):
        return older_than
    (now,) = (await execution.fetch(across_users.clock))[0]
    try:
        moment: datetime = now - older_than
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
    return moment


def _with(report: PruneReport, examined: int, active: int, archived: int, messages: int) -> PruneReport:
    return replace(
        report,
        examined=report.examined + examined,
        active=report.active + active,
        archived=report.archived + archived,
        messages=report.messages + messages,
    )
