"""Any text and any JSON, and what is no JSON, from a seed: a selftest needs no library for it on a user's machine."""

import random
import string
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from chat_persistence.text import MAX_JSON_DEPTH

SPECIAL = (
    "a\x00\ud800\udbff\udc00\udfff\ud83d\ude00\ufdd0\ufdef\uffff\U0010ffffd8f0\\\"'%{}[]$:;\r\n\t\x7f\x85\u2028\ufeff"
)
"""What has a meaning to some escape, some parser or some encoding, and the digits of our own escape."""

PIECES = ("\ufdd00000", "\ufdd0fdd0", "\ufdd0d800", "\\u0000", "\\ud800", "\ud83d\ude00", "null", "e\u0301", "\u202e")
NUMBERS = (0.0, -0.0, 0.1, 100.0, 1e16, 1e22, 1e23, -1e22, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308)
INTEGERS = (0, -1, 2**31, 2**53 + 1, -(2**63), 2**64, 10**22, 10**400, 10**4299, -(10**4298))


class Side(StrEnum):
    """A string that is more."""

    LEFT = "left"


class Level(IntEnum):
    """An integer that is more."""

    HIGH = 3


class HostileValues:
    """Makes values from one seed, the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 (to be repeated, not to be secret)

    def text(self, longest: int = 40) -> str:
        """Return any text: any code points, surrogates and U+0000 among them, runs of one, and what looks escaped."""
        kind = self._random.randrange(6)
        length = self._random.randrange(longest)
        if kind == 0:
            return "".join(self._random.choices(SPECIAL, k=length))
        if kind == 1:
            return "".join(self._random.choices(PIECES + tuple(SPECIAL), k=length))
        if kind == 2:
            return self._random.choice(SPECIAL) * (length * 5)
        if kind == 3:
            return "".join(self._random.choices(string.printable, k=length))
        limit = (0x100, 0x110000)[kind - 4]
        return "".join(chr(self._random.randrange(limit)) for _ in range(length))

    def json(self, depth: int = 4) -> Any:
        """Return any JSON; a column may nest it a few levels deeper."""
        if self._random.random() < 0.02:
            return self._nested(self._random.randrange(1, MAX_JSON_DEPTH - 10))
        kind = self._random.randrange(10 if depth else 7)
        if kind >= 7:
            return self._branch(depth - 1)
        return self._leaf(kind)

    def json_object(self) -> dict[str, Any]:
        """Return any JSON object."""
        return {self.text(): self.json(3) for _ in range(self._random.randrange(4))}

    def no_json(self) -> Any:
        """Return a value with something in it, at any place, that is no JSON or nested too deep."""
        bad: Any = self._random.choice(NO_JSON)(self)
        for _ in range(self._random.randrange(6)):
            others = [self.json(1) for _ in range(self._random.randrange(3))]
            if self._random.random() < 0.5:
                bad = [*others, bad]
            else:
                bad = {self.text(): other for other in others} | {self.text(): bad}
        return bad

    def too_deep(self) -> Any:
        """Return what is nested by a few levels more than are accepted."""
        return self._nested(self._random.randrange(MAX_JSON_DEPTH + 1, MAX_JSON_DEPTH + 7))

    def _leaf(self, kind: int) -> Any:
        leaves: tuple[Callable[[], Any], ...] = (
            lambda: self._random.choice((None, True, False)),
            lambda: self._random.choice(INTEGERS),
            lambda: self._random.randrange(-(2**70), 2**70) >> self._random.randrange(70),
            lambda: self._random.choice(NUMBERS),
            lambda: self._random.uniform(-1, 1) * 10 ** self._random.uniform(-300, 300),
            lambda: self._random.choice((Side.LEFT, Level.HIGH, OrderedDict(b=1, a=2))),
            self.text,
        )
        return leaves[kind]()

    def _branch(self, depth: int) -> Any:
        items = [self.json(depth) for _ in range(self._random.randrange(4))]
        return items if self._random.random() < 0.5 else {self.text(): item for item in items}

    def _nested(self, levels: int) -> Any:
        value: Any = self.text()
        for _ in range(levels):
            value = [value] if self._random.random() < 0.5 else {self.text(8): value}
        return value


NO_JSON: tuple[Callable[[HostileValues], Any], ...] = (
    lambda _: float("nan"),
    lambda _: float("-inf"),
    lambda _: 1e308 * 10,
    lambda _: 10**4301,
    lambda _: -(10**4299),
    lambda _: -(10**5000),
    lambda values: {1: values.text()},
    lambda values: {None: values.text()},
    lambda values: {True: values.text()},
    lambda values: {values.text().encode(errors="replace"): 1},
    lambda values: {(values.text(),): 1},
    lambda values: (values.text(),),
    lambda values: {values.text()},
    lambda values: values.text().encode(errors="replace"),
    lambda values: bytearray(values.text().encode(errors="replace")),
    lambda _: object(),
    lambda _: 1j,
    lambda _: Decimal("1.5"),
    lambda _: datetime(2026, 1, 1, tzinfo=UTC),
    lambda _: UUID(int=1),
    lambda _: range(3),
    lambda _: Side,
    HostileValues.too_deep,
)
"""What is refused, by what makes it."""
