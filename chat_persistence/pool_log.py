"""What SQLAlchemy's pool may log: the kinds of failures, never what a server or a driver said.

PostgreSQL quotes rows and values in its messages, and the pool logs those messages, at DEBUG and higher.
"""

import logging

from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.translation import find_sqlstate

LOGGING_NAME = "chat_persistence"
"""Gives our pools a logger of their own, `sqlalchemy.pool.impl.AsyncAdaptedQueuePool.chat_persistence`."""


class KindsOnly(logging.Filter):
    """Puts the type and the SQLSTATE in the place of every exception of a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, changed."""
        if isinstance(record.args, tuple):
            record.args = tuple(_kind(arg) if isinstance(arg, BaseException) else arg for arg in record.args)
        if record.exc_info and record.exc_info[1] is not None:
            record.msg = f"{record.msg}: {_kind(record.exc_info[1])}"
            record.exc_info = None
        return True


_KINDS_ONLY = KindsOnly()


def keep_to_kinds(engine: AsyncEngine) -> None:
    """Have an engine made with `LOGGING_NAME`, and without echo, log no messages of others."""
    logger = engine.sync_engine.pool.logger
    if isinstance(logger, logging.Logger):
        logger.addFilter(_KINDS_ONLY)


def _kind(error: BaseException) -> str:
    return f"{type(error).__name__} (SQLSTATE {find_sqlstate(error)})"
