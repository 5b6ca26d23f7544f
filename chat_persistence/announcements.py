"""How who has appended wakes those who follow: afterwards, in the background, and only where somebody does.

PostgreSQL holds a lock of the whole database while a transaction with a NOTIFY commits. In the append's own, that would
be while its commit waits for the disk, and all followed appends of a database would queue up for it; in one of its own,
which writes nothing, it is for microseconds. What is not announced, whatever the reason, is found by those who look.
"""

import asyncio
import logging
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from chat_persistence.compilation import Compilation
from chat_persistence.leases import Leases
from chat_persistence.owned_tasks import OwnedTasks
from chat_persistence.statements.announcing import announce
from chat_persistence.translation import translate

_log = logging.getLogger(__name__)


def announced_name(user_id: str, conversation_id: UUID) -> str:
    """Return the name under which a conversation is announced, to whoever listens: it tells nobody whose it is."""
    return blake2b(user_id.encode() + conversation_id.bytes, digest_size=16).hexdigest()


class Announcements:
    """Those of one store. While one is on its way, what comes up is gathered for the next: there is never a second."""

    def __init__(self, leases: Leases, compilation: Compilation, tasks: OwnedTasks) -> None:
        self._leases = leases
        self._compilation = compilation
        self._tasks = tasks
        self._names: set[str] = set()
        self._sending: asyncio.Task[None] | None = None
        self._is_closed = False

    def add(self, name: str) -> None:
        """Announce a name soon; nobody waits for it, and a failure reaches nobody."""
        self._names.add(name)
        if self._sending is None and not self._is_closed:
            self._sending = self._tasks.start(self._send())

    def add_after_commit(self, name: str, session: Session) -> None:
        """Announce a name when the transaction of a session has been committed, be it by a host."""
        waiting: set[str] | None = session.info.get(self)
        if waiting is None:
            waiting = session.info[self] = set()
            event.listen(session, "after_commit", self._add_waiting)
        waiting.add(name)

    def close(self) -> None:
        """Announce nothing any more: a host's session may outlive the store."""
        self._is_closed = True

    def _add_waiting(self, session: Session) -> None:
        if session.in_nested_transaction():
            return  # of a savepoint, nobody else sees anything yet
        waiting: set[str] = session.info[self]
        for name in waiting:
            self.add(name)
        waiting.clear()

    async def _send(self) -> None:
        try:
            while self._names:
                names, self._names = self._names, set()
                await self._announce(names)
        except Exception as error:
            _log.debug("not announced: %s", translate(error))
        finally:
            self._sending = None

    async def _announce(self, names: set[str]) -> None:
        compiled = self._compilation[announce]
        lease = await self._leases.take()
        try:
            await lease.driver.fetch(compiled.sql, *compiled.arguments({"name_array": list(names)}))
        except TimeoutError:
            await self._leases.discard(lease)
            raise
        finally:
            await self._leases.give_back(lease)
