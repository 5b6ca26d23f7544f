"""The command that prunes: conversations of all users that nobody has used for so long."""

import re
from datetime import UTC, datetime, timedelta

import typer

from chat_persistence import ChatStore, PruneReport
from chat_persistence.cli.counting import counting
from chat_persistence.cli.database import on_store
from chat_persistence.cli.output import print_json, results

UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


def read_age(given: str) -> timedelta | datetime:
    """Return an age, `90d`, or a moment, `2026-01-31`, which is UTC without a zone."""
    try:
        if age := re.fullmatch(r"(\d+)([wdhm])", given):
            return timedelta(**{UNITS[age[2]]: int(age[1])})
        moment = datetime.fromisoformat(given)
    except (ValueError, OverflowError):
        raise typer.BadParameter("--older-than takes an age (90d; also w, h, m) or a date (2026-01-31)") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_kinds(*, archived_only: bool, active_only: bool) -> bool | None:
    """Return which conversations are wanted, as `ChatStore.prune` takes it."""
    if archived_only and active_only:
        raise typer.BadParameter("--archived-only and --active-only leave nothing: without them, both go")
    return True if archived_only else False if active_only else None


def prune(
    url: str,
    schema: str | None,
    older_than: timedelta | datetime,
    archived: bool | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Prune, and print what it came to."""

    async def work(store: ChatStore) -> PruneReport:
        with counting("pruning") as tell:
            return await store.prune(
                older_than, archived=archived, dry_run=dry_run, on_progress=lambda report: tell(_told(report))
            )

    report = on_store(url, schema, work)
    if as_json:
        print_json(report.to_dict())
    else:
        results().print(_told(report))


def _told(report: PruneReport) -> str:
    done = "would be deleted" if report.dry_run else "deleted"
    return (
        f"{done}: {report.active:,} active and {report.archived:,} archived of {report.examined:,} conversations,"
        f" with {report.messages:,} messages"
    )
