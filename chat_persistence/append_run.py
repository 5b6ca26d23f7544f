"""How an append is run: encrypted where it is to be, once more when it lost a race, and told to those who follow."""

from collections.abc import Mapping
from typing import Any

from chat_persistence.announcements import announced_name
from chat_persistence.batch import Batch
from chat_persistence.compilation import Statement
from chat_persistence.errors import (
    ConcurrentAppend,
    ConversationChanged,
    ConversationNotFound,
    DatabaseFailure,
    UserNotFound,
)
from chat_persistence.execution import Execution, Rows
from chat_persistence.rows import conversation_from, message_from
from chat_persistence.sealed_text import Seal
from chat_persistence.statements import appending, conversations
from chat_persistence.swapping import reason_against_swap
from chat_persistence.translation import UNIQUE_VIOLATION, USER_MISSING
from chat_persistence.user_seals import UserSeals
from chat_persistence.values import MessageRead

APPEND_ATTEMPTS = 5
"""Where nothing stands in the way any more of what was not stored."""

_SEALED: dict[Statement, Statement] = {
    appending.append: appending.append_sealed,
    appending.append_or_create: appending.append_sealed_or_create,
    appending.append_and_swap: appending.append_sealed_and_swap,
    appending.append_or_create_and_swap: appending.append_sealed_or_create_and_swap,
    appending.append_and_clear: appending.append_sealed_and_clear,
}
_CREATING = {appending.append_or_create, appending.append_or_create_and_swap}
_SWAPPING = {appending.append_and_swap, appending.append_or_create_and_swap}


class Appender:
    """Runs the statements of `statements.appending` for one user."""

    def __init__(self, user_id: str, execution: Execution, seals: UserSeals | None) -> None:
        self._user_id = user_id
        self._execution = execution
        self._seals = seals

    async def append(self, batch: Batch, statement: Statement, arguments: dict[str, Any]) -> list[MessageRead]:
        """Store a batch and return its messages as they are stored, or raise one of our errors."""
        stored = await self._run(batch, statement, arguments)
        for _ in range(APPEND_ATTEMPTS):
            if stored:
                break
            reason = await self._reason_for_nothing(statement, arguments)
            # Once more: the loser of two equal sends has a snapshot from before the winner's commit, the log may have
            # come to the position that is expected, or the key may have become another. What is not there after the
            # look was not there at its moment, so that its reason is true of one.
            stored = await self._run(batch, statement, arguments)
            if not stored and reason is not None:
                raise reason
        if not stored:
            raise ConcurrentAppend
        return batch.stored(stored)

    async def _run(self, batch: Batch, statement: Statement, arguments: dict[str, Any]) -> list[MessageRead]:
        if self._seals is None:
            return [message_from(row) for row in await self._fetch(statement, arguments)]
        seals = self._seals

        async def append(seal: Seal) -> list[MessageRead]:
            return await seals.read(await self._fetch(_SEALED[statement], batch.sealed(arguments, seal)), seal)

        return await seals.with_seal(append)

    async def _fetch(self, statement: Statement, arguments: dict[str, Any]) -> Rows:
        rows = await self._fetch_once_or_twice(statement, arguments)
        if len(rows) > arguments["how_many"]:
            # One more, of nulls: somebody follows.
            rows = [row for row in rows if row[0] is not None]
            self._execution.announce(announced_name(self._user_id, arguments["chat"]))
        return rows

    async def _fetch_once_or_twice(self, statement: Statement, arguments: dict[str, Any]) -> Rows:
        try:
            return await self._execution.fetch(statement, owner=self._user_id, **arguments)
        except DatabaseFailure as failure:
            if failure.sqlstate in USER_MISSING:
                raise UserNotFound(self._user_id) from None
            if failure.sqlstate != UNIQUE_VIOLATION:
                raise
        # The normal answer to the loser of two racing equal sends, and right after one more run. A second
        # time in a row means a damaged counter: that is raised as it is, and never looped on.
        if not self._execution.is_alone:
            raise ConcurrentAppend
        return await self._execution.fetch(statement, owner=self._user_id, **arguments)

    async def _reason_for_nothing(
        self, statement: Statement, arguments: Mapping[str, Any]
    ) -> ConversationNotFound | ConversationChanged | None:
        swaps = statement in _SWAPPING
        if arguments["expected"] is None and self._seals is None and not swaps:
            raise ConversationNotFound(arguments["chat"])
        if self._seals is not None:
            self._seals.doubt_key()
        reason = await (
            reason_against_swap(self._execution, self._user_id, arguments) if swaps else self._reason_against(arguments)
        )
        # It was deleted meanwhile, or none was created without a key.
        is_to_come = statement in _CREATING and isinstance(reason, ConversationNotFound)
        return None if is_to_come else reason

    async def _reason_against(self, arguments: Mapping[str, Any]) -> ConversationNotFound | ConversationChanged | None:
        conversation_id, expected_position = arguments["chat"], arguments["expected"]
        rows = await self._execution.fetch(conversations.get, owner=self._user_id, chat=conversation_id)
        if not rows:
            return ConversationNotFound(conversation_id)
        last_position = conversation_from(rows[0]).last_position
        if expected_position in (None, last_position):
            return None
        return ConversationChanged(conversation_id, expected_position, last_position)
