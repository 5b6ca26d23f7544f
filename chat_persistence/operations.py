"""One public operation as it is told of: names, ids, how long it took and how it ended, never content."""

import asyncio
import time
from contextvars import ContextVar
from uuid import UUID

from chat_persistence.load_values import LoadProgress
from chat_persistence.values import ConversationRead, ConversationWithMessages, MessageRead, Page

OK = "ok"
CANCELLED = "cancelled"

UNIT_OF_WORK = "unit_of_work"
"""The name of what holds the operations of one transaction."""


class Operation:
    """What a log record or a span says. `name` is that of the public method; what is not known is None.

    `rows` are the messages and conversations of its answer, `retries` how often the library tried again.
    """

    __slots__ = ("conversation_id", "error", "name", "retries", "rows", "seconds", "started", "user_id")

    def __init__(self, name: str, user_id: str | None = None, conversation_id: object = None) -> None:
        self.name = name
        self.user_id = user_id
        # Not checked yet: only a UUID is surely no text of a user.
        self.conversation_id = conversation_id if isinstance(conversation_id, UUID) else None
        self.rows: int | None = None
        self.retries = 0
        self.error: BaseException | None = None
        self.started = time.perf_counter()
        self.seconds = 0.0

    def answered(self, answer: object) -> None:
        """Take note of how much an answer holds, and of what conversation it is."""
        self.rows = _rows(answer)
        match answer:
            case ConversationRead():
                self.conversation_id = answer.id
            case (MessageRead() as message) | [MessageRead() as message, *_]:
                self.conversation_id = message.conversation_id

    def ended(self, error: BaseException | None) -> None:
        """Take note of its end."""
        self.seconds = time.perf_counter() - self.started
        self.error = error

    @property
    def outcome(self) -> str:
        """`ok`, `cancelled`, or the name of the error's type."""
        if self.error is None:
            return OK
        return CANCELLED if isinstance(self.error, asyncio.CancelledError) else type(self.error).__name__

    @property
    def sqlstate(self) -> str | None:
        """The SQLSTATE of the failure, where PostgreSQL gave one."""
        sqlstate = getattr(self.error, "sqlstate", None)
        return sqlstate if isinstance(sqlstate, str) else None


current: ContextVar[Operation | None] = ContextVar("chat_persistence.operation", default=None)
"""The operation that runs; a task that it starts sees it too."""


def count_retry() -> None:
    """Count one more try for the operation that runs, if anybody is told of it."""
    operation = current.get()
    if operation is not None:
        operation.retries += 1


def _rows(answer: object) -> int | None:
    match answer:
        case list() | tuple():
            return len(answer)
        case Page():
            return len(answer.items)
        case ConversationWithMessages():
            return 1 + len(answer.messages)
        case ConversationRead() | MessageRead():
            return 1
        case LoadProgress():
            return answer.messages_stored
        case int():
            return int(answer)  # a receipt is one, and its `repr` names the user
    return None
