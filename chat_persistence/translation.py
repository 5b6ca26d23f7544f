"""From a driver's failure to ours, by SQLSTATE alone: Citus keeps nothing else, and messages are localized."""

import asyncio
import logging
import shlex
import traceback
from collections.abc import Iterator, Mapping

from sqlalchemy import exc

from chat_persistence.errors import (
    ChatPersistenceError,
    ConfigurationError,
    DatabaseFailure,
    InsufficientPrivilege,
    OutcomeUnknown,
    PoolTimeout,
    SchemaMismatch,
    StoreUnavailable,
    UnitOfWorkFailed,
)

_log = logging.getLogger(__name__)

FOREIGN_KEY_VIOLATION = "23503"
UNIQUE_VIOLATION = "23505"

USER_MISSING = (FOREIGN_KEY_VIOLATION, "23502")
"""What an INSERT of a conversation meets only where users are linked: foreign_key_violation; or not_null_violation, of
a generated column, for an id that can be none of theirs."""

_SCHEMA_MISMATCH = {
    "3F000",  # invalid_schema_name
    "42703",  # undefined_column
    "42804",  # datatype_mismatch
    "42P01",  # undefined_table
    "42P10",  # invalid_column_reference: no unique key for ON CONFLICT
}
_INSUFFICIENT_PRIVILEGE = {
    "42501",  # insufficient_privilege: no such grant, or a row that no policy lets in
    "42704",  # undefined_object: the policies fell back to a setting that cannot be
}
_FAILED_TRANSACTION = "25P02"
_READ_ONLY = "25006"
_NO_ANSWER = "PostgreSQL did not answer in time"
_ASKED_TO_RETRY = {
    _READ_ONLY: "the server is read-only, as after a failover",
    "40001": "the transaction could not be serialized",
    "40P01": "the transaction was the victim of a deadlock",
    "55P03": "a lock could not be had in time",
    "57014": "the statement was cancelled",
    "0A000": "a cached plan does not fit the tables any more",
}
_UNAVAILABLE_CLASSES = {
    "08": "the connection to PostgreSQL failed",
    "53": "PostgreSQL is out of resources",
    "57": "PostgreSQL is shutting down or starting up",
    "58": "PostgreSQL met an error of its system",
    "XX": "PostgreSQL met an internal error",
}
_OUTCOME_UNKNOWN_CLASSES = ("08", "57P", "XX")


def upgrade_command(schema: str | None) -> str:
    """Return what brings the tables in that schema to this version."""
    return "chat-persistence upgrade" + ("" if schema is None else f" --schema {shlex.quote(schema)}")


def translate(error: BaseException, schema: str | None = None) -> ChatPersistenceError:
    """Return our error for a failure of the driver, the pool or the operating system, on tables in that schema.

    The caller raises it outside of its `except` block, so that nothing is chained to it: the driver's own
    error may hold a user's text.
    """
    for cause in _causes(error):
        if isinstance(cause, ChatPersistenceError):
            return cause
    sqlstate = find_sqlstate(error)
    if sqlstate is not None:
        return _by_sqlstate(sqlstate, schema)
    if isinstance(error, exc.PendingRollbackError):
        return UnitOfWorkFailed()  # SQLAlchemy has rolled the transaction back, or lost its connection
    if isinstance(error, exc.TimeoutError):
        return PoolTimeout("every connection of the pool was in use for too long")
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return StoreUnavailable(_NO_ANSWER)
    if isinstance(error, OSError):
        return StoreUnavailable(f"the connection to PostgreSQL failed: {type(error).__name__}")
    if isinstance(error, exc.InterfaceError | exc.DBAPIError) or _is_lost_connection(error):
        return StoreUnavailable("the connection to PostgreSQL failed")
    # A mistake of ours or the driver's: its place is told, its message may hold a user's text.
    _log.error("unexpected %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    return DatabaseFailure(None)


def translate_for_operator(error: BaseException, refusals: Mapping[str, str]) -> ChatPersistenceError:
    """Return what `translate` does, or a `ConfigurationError` that says, by SQLSTATE, what an operator may do."""
    refusal = refusals.get(find_sqlstate(error) or "")
    return translate(error) if refusal is None else ConfigurationError(refusal)


def find_sqlstate(error: BaseException) -> str | None:
    """Return the SQLSTATE of a failure, wherever in its chain the driver's own error is."""
    for cause in _causes(error):
        sqlstate = getattr(cause, "sqlstate", None)
        if isinstance(sqlstate, str):
            return sqlstate
    return None


def is_outcome_known(failure: ChatPersistenceError) -> bool:
    """Whether the server itself said that the statement, or the COMMIT, did not happen."""
    sqlstate = getattr(failure, "sqlstate", None)
    if isinstance(failure, StoreUnavailable | DatabaseFailure):
        return sqlstate is not None and not sqlstate.startswith(_OUTCOME_UNKNOWN_CLASSES)
    return True


def has_hit_a_limit(failure: ChatPersistenceError) -> bool:
    """Whether a time limit of the client ran out, for a connection of the pool or for an answer."""
    return isinstance(failure, PoolTimeout) or getattr(failure, "reason", None) == _NO_ANSWER


def outcome_unknown(failure: ChatPersistenceError) -> OutcomeUnknown:
    """Return what a failure after which nobody knows is to a caller."""
    return OutcomeUnknown(_NO_ANSWER) if has_hit_a_limit(failure) else OutcomeUnknown()


def is_read_only(failure: ChatPersistenceError) -> bool:
    """Whether the server does not write any more, as after a failover: another one does."""
    return getattr(failure, "sqlstate", None) == _READ_ONLY


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = getattr(seen, "orig", None) or seen.__cause__


def _by_sqlstate(sqlstate: str, schema: str | None) -> ChatPersistenceError:
    if sqlstate in _SCHEMA_MISMATCH:
        return SchemaMismatch(None, None, upgrade_command(schema))
    if sqlstate in _INSUFFICIENT_PRIVILEGE:
        return InsufficientPrivilege(sqlstate)
    if sqlstate == _FAILED_TRANSACTION:
        return UnitOfWorkFailed()
    reason = _ASKED_TO_RETRY.get(sqlstate) or _UNAVAILABLE_CLASSES.get(sqlstate[:2])
    return DatabaseFailure(sqlstate) if reason is None else StoreUnavailable(reason, sqlstate)


def _is_lost_connection(error: BaseException) -> bool:
    # The driver's errors of its own state ("connection is closed", "another operation is in progress")
    # have no SQLSTATE; the adapter's classes for them are not SQLAlchemy's.
    return any("Interface" in kind.__name__ or "Internal" in kind.__name__ for kind in type(error).__mro__)
