"""The parts of a draft: how what was received is cut into them, and put together again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat_persistence.draft_values import DraftRead
from chat_persistence.errors import InvalidInput
from chat_persistence.execution import Rows
from chat_persistence.limits import Limits
from chat_persistence.rows import ColumnOpener, read_content, refuse_sealed
from chat_persistence.sealed_text import Seal
from chat_persistence.text import escape, read_json, to_json
from chat_persistence.user_seals import UserSeals

MAX_PARTS = 10_000
"""Of one draft; what is received after that is in memory only until the reply is finished."""


@dataclass(slots=True)
class Part:
    """One part, as it is stored. It never changes: it may have been stored though its answer was lost."""

    number: int
    content: str
    native: str | None
    _sealed: "tuple[bytes, Part] | None" = None

    def sealed_by(self, seal: Seal, conversation_id: UUID, id: UUID) -> "Part":
        """Return it encrypted: as before, since it may have been stored, unless the user's key is another one now."""
        if self._sealed is None or self._sealed[0] != seal.key_id:
            content = seal.seal_column(conversation_id, id, _column("content", self.number), self.content)
            native = seal.seal_column(conversation_id, id, _column("native", self.number), self.native)
            self._sealed = seal.key_id, Part(self.number, content or "", native)
        return self._sealed[1]


class Received:
    """What was received of a reply, all of it in memory, and how much of that is in no stored part yet."""

    def __init__(self, limits: Limits) -> None:
        self.unstored_chars = 0
        """How many characters are in no part yet, or in one that is not surely stored."""
        self.parts = 0
        """How many parts are stored."""
        self._limits = limits
        self._texts: list[str] = []
        self._items: list[str] = []
        self._chars = 0
        self._item_chars = 0
        self._texts_in_parts = 0
        self._items_in_parts = 0
        self._part: Part | None = None
        self._part_chars = 0

    def __bool__(self) -> bool:
        return bool(self._texts or self._items)

    @property
    def content(self) -> str:
        """All text."""
        return "".join(self._texts)

    @property
    def native(self) -> list[Any] | None:
        """All of the provider's items, or None when there are none."""
        return read_json(_array(self._items)) if self._items else None

    def add(self, text: str, item: Any) -> None:
        """Take text and, if it is not None, a provider's item; both or, with `InvalidInput`, neither."""
        if not isinstance(text, str):
            raise InvalidInput("text", "must be a str")
        chars = self._chars + len(text)
        if chars > self._limits.content_chars:
            raise InvalidInput("text", f"longer than {self._limits.content_chars} characters together")
        if item is not None:
            self._add_item(item)
        if text:
            self._texts.append(text)
            self._chars = chars
            self.unstored_chars += len(text)

    def _add_item(self, item: Any) -> None:
        # As the one item of an array, which is how deep it will be.
        written = to_json([item], "native", self._limits.json_chars, binary=False)[1:-1]
        chars = self._item_chars + len(written) + 1
        if chars >= self._limits.json_chars:
            raise InvalidInput("native", f"longer than {self._limits.json_chars} characters together")
        self._items.append(written)
        self._item_chars = chars
        self.unstored_chars += len(written)

    def next_part(self) -> Part | None:
        """Return the part to store next: the same until it is stored."""
        if self._part is None and self.unstored_chars and self.parts < MAX_PARTS:
            texts = self._texts[self._texts_in_parts :]
            items = self._items[self._items_in_parts :]
            self._part = Part(self.parts + 1, escape("".join(texts)), _array(items) if items else None)
            self._texts_in_parts, self._items_in_parts = len(self._texts), len(self._items)
            self._part_chars = self.unstored_chars
        return self._part

    def part_is_stored(self) -> None:
        """Take note that the part is stored, and go on to the next."""
        self.parts += 1
        self._part = None
        self.unstored_chars -= self._part_chars


def _array(items: Sequence[str]) -> str:
    return f"[{','.join(items)}]"


def draft_from(row: Sequence[Any], opener: ColumnOpener | None = None) -> DraftRead:
    """Return the record of a row of `statements.drafts.COLUMNS`, as `rows.message_from` does of a message."""
    conversation_id, user_id, id_, contents, natives, started_at, updated_at = row
    unreadable: list[str] = []

    def opened(column: str, texts: Sequence[str | None]) -> list[str]:
        if opener is None:
            return [text for text in texts if text]
        return [
            opener.open(conversation_id, id_, _column(column, number), text)
            for number, text in enumerate(texts, 1)
            if text
        ]

    try:
        content = "".join(map(read_content, opened("content", contents)))
    except ValueError:
        content = ""
        unreadable.append("content")
    try:
        items = [item for native in opened("native", natives) for item in _read_items(native)]
    except (ValueError, TypeError, RecursionError):
        items = []
        unreadable.append("native")
    facts = len(contents), started_at, updated_at, tuple(unreadable)
    return DraftRead(conversation_id, user_id, id_, content, items, *facts)


async def read_drafts(rows: Rows, seals: UserSeals | None) -> list[DraftRead]:
    """Return the records of rows, decrypted where they are encrypted."""
    return [draft_from(row) for row in rows] if seals is None else await seals.read_as(draft_from, rows)


def _column(column: str, number: int) -> str:
    """Return the name by which an encrypted part is bound to its number."""
    return f"{column} of part {number}"


def _read_items(native: str) -> list[Any]:
    items = read_json(native)
    if not isinstance(items, list):
        refuse_sealed(native)
        raise TypeError("not a JSON array")
    return items
