"""The formats, each with what reads, writes and checks it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from chat_persistence import MessageCreate, provider_formats
from tests.unit.provider_formats import checkers, writers
from tests.unit.provider_formats.dialogues import Turn

Item = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """A format: `read` and `write` are the library's, `written` and `check` the tests'."""

    name: str
    read: Callable[[Sequence[Item]], list[MessageCreate]]
    write: Callable[[Sequence[MessageCreate]], list[Item]]
    written: Callable[[list[Turn]], st.SearchStrategy[list[Item]]]
    check: Callable[[list[Item]], None]

    def __str__(self) -> str:
        return self.name


def _format(name: str) -> Format:
    return Format(
        name,
        getattr(provider_formats, f"from_{name}"),
        getattr(provider_formats, f"to_{name}"),
        getattr(writers, name).written,
        getattr(checkers, name).check,
    )


FORMATS = [
    _format(name)
    for name in (
        "openai_chat",
        "openai_responses",
        "anthropic_messages",
        "gemini_contents",
        "cohere_chat",
        "vercel_ui_messages",
    )
]
BY_NAME = {format.name: format for format in FORMATS}
PAIRS = [(source, target) for source in FORMATS for target in FORMATS if source is not target]
