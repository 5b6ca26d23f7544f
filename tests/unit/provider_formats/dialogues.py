"""Dialogues that every provider can hold: what was asked, called, returned and answered, in no provider's words."""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from chat_persistence import MessageCreate, MessageRead, ToolCall
from tests.integration.test_any_text import any_number, any_text

any_result = st.recursive(
    st.none() | st.booleans() | any_number | any_text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(any_text, inner, max_size=2),
    max_leaves=4,
)
spoken = any_text.filter(str.strip)
"""What a person reads: some providers refuse a text of nothing but spaces, so it is not sent to them."""

name = st.from_regex(r"[a-z_][a-zA-Z0-9_-]{0,20}", fullmatch=True)
opaque = st.binary(min_size=1, max_size=12).map(lambda data: b64encode(data).decode())


@dataclass(frozen=True)
class Called:
    """A tool that was called, and what came of it."""

    id: str
    name: str
    arguments: dict[str, Any]
    result: Any
    is_error: bool


@dataclass(frozen=True)
class Step:
    """What the model thought and said before it called tools, all at once."""

    thought: str
    said: str
    calls: Sequence[Called]


@dataclass(frozen=True)
class Picture:
    """An image that a person sent: its bytes, or where it is."""

    media_type: str
    data: str = ""
    url: str = ""

    @property
    def content(self) -> str:
        return self.data or self.url


@dataclass(frozen=True)
class Turn:
    """A question, the steps towards its answer, and the answer."""

    asked: str
    pictures: Sequence[Picture]
    steps: Sequence[Step]
    thought: str
    answer: str


@dataclass(frozen=True)
class Heard:
    """What is left of a dialogue when nobody asks which provider it was held with.

    `said` joins what one side said without the other between; `calls` are in the order of the calls.
    """

    said: list[tuple[str, str]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)

    def add(self, role: str, text: str) -> None:
        if not text.strip():
            return
        if self.said and self.said[-1][0] == role:
            self.said[-1] = (role, f"{self.said[-1][1]}\n{text}")
        else:
            self.said.append((role, text))


def pictures() -> st.SearchStrategy[Picture]:
    media_type = st.sampled_from(["image/png", "image/jpeg"])
    url = st.integers(0, 10**6).map(lambda number: f"https://example.org/{number}.png")
    return st.builds(Picture, media_type, data=opaque) | st.builds(Picture, st.just("image/png"), url=url)


@st.composite
def dialogues(draw: st.DrawFn) -> list[Turn]:
    """Return up to 2 turns; no id of a call is used twice."""
    maybe = st.just("") | spoken
    calls = st.builds(
        Called, st.just(""), name, st.dictionaries(any_text, any_result, max_size=1), any_result, st.booleans()
    )
    steps = st.lists(st.builds(Step, maybe, maybe, st.lists(calls, min_size=1, max_size=2)), max_size=2)
    turns = draw(
        st.lists(
            st.builds(Turn, spoken, st.lists(pictures(), max_size=1), steps, maybe, spoken), min_size=1, max_size=2
        )
    )
    return [_with_ids(turn, place) for place, turn in enumerate(turns)]


def _with_ids(turn: Turn, place: int) -> Turn:
    steps = [
        Step(
            step.thought,
            step.said,
            [
                Called(f"call_{place}_{number}_{index}", call.name, call.arguments, call.result, call.is_error)
                for index, call in enumerate(step.calls)
            ],
        )
        for number, step in enumerate(turn.steps)
    ]
    return Turn(turn.asked, turn.pictures, steps, turn.thought, turn.answer)


def told(dialogue: Iterable[Turn]) -> Heard:
    """Return what has to be heard of a dialogue, whoever holds it."""
    heard = Heard()
    for turn in dialogue:
        heard.add("user", turn.asked)
        for step in turn.steps:
            heard.add("assistant", step.said)
            heard.calls.extend((call.name, call.arguments, as_text(call.result)) for call in step.calls)
        heard.add("assistant", turn.answer)
    return heard


def heard(messages: Iterable[MessageCreate | MessageRead]) -> Heard:
    """Return what is heard of messages. A result belongs to the newest call of its id."""
    heard = Heard()
    places: dict[str, int] = {}
    for message in messages:
        heard.add(message.role.value, message.content)
        for call in message.tool_calls:
            if call.is_call:
                places[call.id] = len(heard.calls)
                heard.calls.append((call.name or "", json.loads(call.arguments or "{}"), "no result"))
            if call.has_result:
                _answer(heard, places[call.id], call)
    return heard


def _answer(heard: Heard, place: int, call: ToolCall) -> None:
    name, arguments, before = heard.calls[place]
    assert before == "no result", "a call is answered once"
    heard.calls[place] = (name, arguments, as_text(call.result))


def as_text(result: Any) -> str:
    """Return a result as those have it who hold text only."""
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


def strings_in(value: Any) -> list[str]:
    """Return every string in a JSON value, keys left out."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in strings_in(each)]
