"""What is encrypted in the lines of an export, opened on its way out: a file is read without any key."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from chat_persistence.aes_gcm import NotAuthentic
from chat_persistence.errors import EncryptionKeyMissing
from chat_persistence.execution import Execution
from chat_persistence.exported_lines import CONVERSATION, MESSAGE, line_of
from chat_persistence.key_cache import KeyCache
from chat_persistence.sealed_text import MARK, SEALED_COLUMNS, OtherKey, Seal

LINES_AT_ONCE = 100
"""Between them the event loop has its turn."""

_MARK = MARK.encode()


class LineOpener:
    """Opens the lines of one export, in their order."""

    def __init__(self, keys: KeyCache | None, execution_for: Callable[[str], Execution]) -> None:
        self._keys = keys
        self._execution_for = execution_for
        self._conversation = b""
        self._opens_all = keys is not None and not keys.reads_plain

    async def open(self, lines: bytes) -> bytes:
        """Return lines with nothing encrypted in them; nearly all are as they are where nothing is.

        What cannot be opened is null, and its column named as `unreadable`. Raise `EncryptionKeyMissing` in a store
        without encryption.
        """
        if _MARK not in lines and not self._opens_all:
            self._take_note_of_last(lines)
            return lines
        opened = []
        for number, line in enumerate(lines.splitlines(keepends=True)):
            opened.append(await self._open(line))
            if number % LINES_AT_ONCE == 0:
                await asyncio.sleep(0)
        return b"".join(opened)

    def _take_note_of_last(self, lines: bytes) -> None:
        start = (b"\n" + lines).rfind(b"\n" + CONVERSATION)
        if start >= 0:
            self._conversation = lines[start:].partition(b"\n")[0]

    async def _open(self, line: bytes) -> bytes:
        if line.startswith(CONVERSATION):
            self._conversation = line
        if not line.startswith(MESSAGE) or not (_MARK in line or self._opens_all):
            return line
        if self._keys is None:
            raise EncryptionKeyMissing
        conversation = json.loads(self._conversation)["conversation"]
        message = await self._opened(self._keys, conversation, json.loads(line)["message"])
        return line_of({"message": message})

    async def _opened(self, keys: KeyCache, conversation: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
        user_id = conversation["user_id"]
        opened = _Opened(UUID(conversation["id"]), message, reads_plain=keys.reads_plain)
        opened.try_all(keys.held(user_id))
        if opened.has_met_other_key:
            opened.try_all(await keys.find(user_id, self._execution_for(user_id)))
        return opened.told()


class _Opened:
    """One message, with what can be opened of it."""

    def __init__(self, conversation_id: UUID, message: dict[str, Any], *, reads_plain: bool) -> None:
        self._conversation_id = conversation_id
        self._message = message
        self._reads_plain = reads_plain
        self._columns: dict[str, Any] = {}
        self.has_met_other_key = False

    def try_all(self, seal: Seal | None) -> None:
        self.has_met_other_key = False
        self._columns = {column: self._try(seal, column) for column in SEALED_COLUMNS if self._message[column]}

    def told(self) -> dict[str, Any]:
        unreadable = [column for column, value in self._columns.items() if value is None]
        return self._message | self._columns | ({"unreadable": unreadable} if unreadable else {})

    def _try(self, seal: Seal | None, column: str) -> Any:
        value = self._message[column]
        if not (isinstance(value, str) and value.startswith(MARK)):
            return value if self._reads_plain else None
        try:
            if seal is None:
                raise OtherKey
            opened = seal.open(self._conversation_id, UUID(self._message["id"]), column, value)
        except OtherKey:
            self.has_met_other_key = True
            return None
        except NotAuthentic:
            return None
        return opened if column == "content" else json.loads(opened)
