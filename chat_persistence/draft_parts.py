"""The parts of a draft: how what was received is cut into them, and put together again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat_persistence.draft_values import DraftRead
from chat_persistence.errors import InvalidInput
from chat_persistence.limits import Limits
from chat_persistence.rows import ColumnOpener, refuse_sealed
from chat_persistence.sealed_text import Seal
from chat_persistence.text import escape, read_json, to_json, unescape

MAX_PARTS = 10_000
"""Of one draft; what is received after that is in memory only until the reply is finished."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part, as it is stored. It never changes: it may have been stored though its answer was lost."""

    number: int
    content: str
    native: str | None


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


def sealed_part(part: Part, conversation_id: UUID, id: UUID, seal: Seal) -> Part:
    """Return a part encrypted for its place."""

    def sealed(column: str, text: str | None) -> str | None:
        return seal.seal_column(conversation_id, id, _place(part.number, column), text)

    return Part(part.number, sealed("content", part.content) or "", sealed("native", part.native))


def draft_from(row: Sequence[Any], opener: ColumnOpener | None = None) -> DraftRead:
    """Return the record of a row of `statements.drafts.COLUMNS`, as `message_from` does of a message."""
    conversation_id, user_id, id_, contents, natives, started_at, updated_at = row
    unreadable: list[str] = []

    def read(column: str, texts: Sequence[str | None]) -> list[str]:
        try:
            return [
                _opened(opener, (conversation_id, id_), _place(number, column), text)
                for number, text in enumerate(texts, 1)
                if text
            ]
        except ValueError:
            unreadable.append(column)
            return []

    content = "".join(map(unescape, read("content", contents)))
    try:
        items = [item for native in read("native", natives) for item in _read_items(native)]
    except (ValueError, TypeError, RecursionError):
        items = []
        unreadable.append("native")
    return DraftRead(
        conversation_id, user_id, id_, content, items, len(contents), started_at, updated_at, tuple(unreadable)
    )


def only_part(row: Sequence[Any], number: int) -> tuple[Any, ...]:
    """Return the row of a draft without the other parts, this one in its place."""
    conversation_id, user_id, id_, contents, natives, *times = row
    others = [None] * (number - 1)
    return (
        conversation_id,
        user_id,
        id_,
        others + contents[number - 1 : number],
        others + natives[number - 1 : number],
        *times,
    )


def is_part(draft: DraftRead, part: Part) -> bool:
    """Whether a draft of one part says what that part does."""
    items = [] if part.native is None else _read_items(part.native)
    return (draft.content, draft.native, draft.unreadable) == (unescape(part.content), items, ())


def _place(number: int, column: str) -> str:
    # The parts of a draft are numbered without a gap.
    return f"draft {number} {column}"


def _opened(opener: ColumnOpener | None, place: tuple[UUID, UUID], column: str, text: str) -> str:
    if opener is not None:
        return opener.open(*place, column, text)
    refuse_sealed(text)
    return text


def _read_items(native: str) -> list[Any]:
    items = read_json(native)
    if not isinstance(items, list):
        raise TypeError("not a JSON array")
    return items
