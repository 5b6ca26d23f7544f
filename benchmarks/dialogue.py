"""The turns that every contender stores: the same words, in enough variants that they do not compress away."""

import json
import random
from dataclasses import asdict, dataclass
from functools import cache

QUESTION_CHARS = 400
ANSWER_CHARS = 1200
VARIANTS = 16
CALLS_EVERY = 4
"""One turn in so many calls a tool."""

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "ñe", "ß", "東", "मन")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool; the arguments are JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What the person says, and the answer, perhaps with a call of a tool."""

    question: str
    answer: str
    call: Call | None

    def calls(self) -> list[dict[str, str]]:
        """Return the calls as JSON objects."""
        return [asdict(self.call)] if self.call else []


@cache
def turn(number: int) -> Turn:
    """Return the turn of this number; they repeat after `VARIANTS`."""
    if number >= VARIANTS:
        return turn(number % VARIANTS)
    words = random.Random(number)  # noqa: S311 (the same in every process)
    question, answer = _text(words, QUESTION_CHARS), _text(words, ANSWER_CHARS)
    if number % CALLS_EVERY:
        return Turn(question, answer, None)
    arguments = json.dumps({"to": "Rome", "seats": number, "note": _text(words, 60)})
    return Turn(question, answer, Call(f"call_{number:02}", "search_trains", arguments))


def _text(words: random.Random, chars: int) -> str:
    text = ""
    while len(text) < chars:
        text += "".join(words.choices(SYLLABLES, k=words.randint(1, 4))) + " "
    return text[:chars].strip()
