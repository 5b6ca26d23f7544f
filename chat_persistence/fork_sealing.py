"""The messages of a fork, encrypted once more for the places that they have there."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from chat_persistence.aes_gcm import NotAuthentic
from chat_persistence.batch import MAX_CHARS
from chat_persistence.errors import InvalidInput
from chat_persistence.execution import Execution, Rows
from chat_persistence.sealed_text import Seal
from chat_persistence.statements import messages as statements
from chat_persistence.user_seals import Opener
from chat_persistence.validation import MAX_LIMIT


def id_of_copy(fork_id: UUID, message_id: UUID) -> UUID:
    """Return the id that `statements.forking` gives to the copy of a message."""
    digest = sha256(fork_id.bytes + message_id.bytes).hexdigest()
    return UUID(f"{fork_id.hex[:12]}7{digest[13:16]}8{digest[17:32]}")


class ForkSealing:
    """What is read of one conversation up to a position, as the arrays of `forking.fork_sealed`."""

    def __init__(self, user_id: str, execution: Execution, seal: Seal, *, reads_plain: bool) -> None:
        self._user_id = user_id
        self._execution = execution
        self._seal = seal
        self._opener = Opener(seal, reads_plain=reads_plain)

    async def arguments(self, fork: Mapping[str, Any]) -> dict[str, Any]:
        """Return what else is bound beside the values of `forking.fork`; raise `InvalidInput` when it is too long."""
        chat, place, fork_id = fork["chat"], fork["place"], fork["new_chat"]
        positions: list[str] = []
        columns: list[list[str | None]] = [[], [], []]
        size = 0
        position = 0
        while rows := await self._read_on(chat, position, place):
            for row in rows:
                position = row[2]
                positions.append(str(position))
                sealed = self._sealed(row, fork_id)
                size += sum(len(text) for text in sealed if text)
                for column, text in zip(columns, sealed, strict=True):
                    column.append(text)
            if size > MAX_CHARS:
                raise InvalidInput("at_position", f"more than {MAX_CHARS} encrypted characters in one fork")
        arrays = dict(zip(("content_array", "tool_calls_array", "native_array"), columns, strict=True))
        return {**arrays, "place_array": positions, "how_many": len(positions), "key_id": self._seal.key_id}

    async def _read_on(self, chat: UUID, position: int, place: int) -> Rows:
        rows = await self._execution.fetch(
            statements.after, owner=self._user_id, chat=chat, place=position, how_many=MAX_LIMIT
        )
        return [row for row in rows if row[2] <= place]

    def _sealed(self, row: Sequence[Any], fork_id: UUID) -> list[str | None]:
        chat, _, _, id_, _, *columns = row[:8]
        names = ("content", "tool_calls", "native")
        return [
            self._moved((chat, id_), (fork_id, id_of_copy(fork_id, id_)), name, text)
            for name, text in zip(names, columns, strict=True)
        ]

    def _moved(
        self, place: tuple[UUID, UUID], new_place: tuple[UUID, UUID], column: str, text: str | None
    ) -> str | None:
        if not text:
            return text
        try:
            opened = self._opener.open(*place, column, text)
        except NotAuthentic:
            return text  # unreadable here, and there
        return self._seal.seal_column(*new_place, column, opened)
