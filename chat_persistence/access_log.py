"""The access log: one record for each public operation, with ids and never with content."""

import logging

from chat_persistence.operations import Operation

LEVEL = logging.INFO

_log = logging.getLogger("chat_persistence.access")


def is_wanted() -> bool:
    """Whether the host's configuration lets records through."""
    return _log.isEnabledFor(LEVEL)


def write(operation: Operation) -> None:
    """Write a record; every field is there, so that a format can name it."""
    milliseconds = round(operation.seconds * 1000, 3)
    arguments = (operation.name, operation.outcome, milliseconds)
    record = _log.makeRecord(_log.name, LEVEL, __file__, 0, "%s: %s, %.1f ms", arguments, None)
    # Not as `extra`, which raises where a host's own record factory has set one of these names.
    vars(record).update(
        operation=operation.name,
        user_id=operation.user_id,
        conversation_id=operation.conversation_id and str(operation.conversation_id),
        rows=operation.rows,
        duration_ms=milliseconds,
        outcome=operation.outcome,
        sqlstate=operation.sqlstate,
        retries=operation.retries,
    )
    _log.handle(record)
