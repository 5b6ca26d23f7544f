"""Whether a statement of the host's own went without the connection that its session asked for."""

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from chat_persistence.errors import UnitOfWorkFailed


class ConnectionWatch:
    """Watches one session, and refuses its commit: what never reached a server left no trace in a transaction there.

    SQLAlchemy tells of a statement before it takes a connection, and of each connection that a transaction begins on.
    A rollback makes good.
    """

    def __init__(self, session: Session) -> None:
        self._has_connection = False
        self._is_waiting = False
        self._has_missed_one = False
        event.listen(session, "do_orm_execute", self._wait)
        event.listen(session, "after_begin", self._stop_waiting)
        event.listen(session, "before_commit", self._refuse)
        event.listen(session, "after_soft_rollback", self._forgive)
        event.listen(session, "after_transaction_end", self._begin_anew)

    def has_missed_one(self) -> bool:
        """Whether a statement waited for a connection and was not given one."""
        return self._has_missed_one or self._is_waiting

    def _wait(self, state: ORMExecuteState) -> None:
        self._has_missed_one = self.has_missed_one()
        self._is_waiting = not self._has_connection

    def _stop_waiting(self, session: Session, *_: object) -> None:
        self._has_connection = True
        self._is_waiting = False

    def _refuse(self, session: Session) -> None:
        if self.has_missed_one():
            raise UnitOfWorkFailed

    def _forgive(self, session: Session, previous: SessionTransaction) -> None:
        self._is_waiting = self._has_missed_one = False

    def _begin_anew(self, session: Session, ended: SessionTransaction) -> None:
        if ended.parent is None:
            self._has_connection = False
