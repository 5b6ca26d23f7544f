"""One user's messages, encrypted on their way in and decrypted on their way out."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from chat_persistence.aes_gcm import NotAuthentic
from chat_persistence.draft_values import DraftRead
from chat_persistence.execution import Execution, Rows
from chat_persistence.key_cache import KeyCache
from chat_persistence.options import Options
from chat_persistence.rows import message_from
from chat_persistence.sealed_text import SEALED_COLUMNS, OtherKey, Seal, is_sealed
from chat_persistence.values import MessageRead

Answer = TypeVar("Answer")
Record = TypeVar("Record", bound=MessageRead | DraftRead)

_log = logging.getLogger(__name__)


class UserSeals:
    """What a user's repositories encrypt and decrypt with."""

    def __init__(self, user_id: str, execution: Execution, keys: KeyCache) -> None:
        self._user_id = user_id
        self._execution = execution
        self._keys = keys
        self.reads_plain = keys.reads_plain

    async def with_seal(self, work: Callable[[Seal], Awaitable[Answer]]) -> Answer:
        """Do what writes with the user's key, which is made when there is none."""
        seal = self._keys.held(self._user_id)
        if seal is not None:
            return await work(seal)

        async def get_key_and_work() -> Answer:
            return await work(await self._keys.provide(self._user_id, self._execution))

        # A reply of minutes, whose caller has gone, is stored also when its key has to be asked for.
        return await self._execution.settle(get_key_and_work)

    def doubt_key(self) -> None:
        """Ask for the key anew, the next time: nothing was stored with it."""
        self._keys.forget(self._user_id)

    async def read(
        self, rows: Rows, record_from: Callable[[Sequence[Any], "Opener"], Record], seal: Seal | None = None
    ) -> list[Record]:
        """Return the records of rows; the key is asked for only when one of them needs it and it is not in memory."""
        opener = Opener(seal or self._keys.held(self._user_id), reads_plain=self.reads_plain)
        records = [record_from(row, opener) for row in rows]
        if opener.has_met_other_key:
            opener = Opener(await self._keys.find(self._user_id, self._execution), reads_plain=self.reads_plain)
            records = [record_from(row, opener) for row in rows]
        if opener.has_failed:
            _tell(records)
        return records


class Opener:
    """Decrypts columns of one user, and takes note of what it could not."""

    def __init__(self, seal: Seal | None, *, reads_plain: bool) -> None:
        self._seal = seal
        self._reads_plain = reads_plain
        self.has_met_other_key = False
        self.has_failed = False

    def open(self, conversation_id: UUID, message_id: UUID, column: str, text: str) -> str:
        """Return what a column says, or raise `NotAuthentic`."""
        if not is_sealed(text):
            if self._reads_plain:
                return text
        elif self._seal is None:
            self.has_met_other_key = True
        else:
            try:
                return self._seal.open(conversation_id, message_id, column, text)
            except OtherKey:
                self.has_met_other_key = True
            except NotAuthentic:
                pass
        self.has_failed = True
        raise NotAuthentic


def seals_of(user_id: str, execution: Execution, options: Options) -> UserSeals | None:
    """Return what encrypts for a user, in a store that does."""
    return None if options.encryption is None else UserSeals(user_id, execution, options.encryption)


async def read_messages(rows: Rows, seals: UserSeals | None) -> list[MessageRead]:
    """Return the records of rows of `statements.messages.COLUMNS`, decrypted where they are encrypted."""
    return [message_from(row) for row in rows] if seals is None else await seals.read(rows, message_from)


async def read_message(row: Sequence[Any], seals: UserSeals | None) -> MessageRead:
    """Return the record of one row."""
    return (await read_messages([row], seals))[0]


def _tell(messages: Sequence[MessageRead | DraftRead]) -> None:
    for message in messages:
        columns = [column for column in message.unreadable if column in SEALED_COLUMNS]
        if columns:
            _log.warning("message %s: cannot be decrypted, or is not encrypted: %s", message.id, ", ".join(columns))
