"""What is said in a message, in no provider's words: parts that every format is read into and written from."""

import json
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

Speaker = Literal["system", "developer", "user", "assistant", "tool"]
"""Who says it: instructions have the label of OpenAI's that is given to them, and results of tools are a tool's."""

INSTRUCTIONS: tuple[Speaker, ...] = ("system", "developer")

MediaKind = Literal["image", "audio", "video", "file"]


@dataclass(frozen=True, slots=True)
class Text:
    """What a person reads; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a person reads, said by a model that declines."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model thought, and what its provider wants to be given back with it.

    A `signature` (or encrypted content) is that of one provider, named as Vercel's SDK names it: another refuses it.
    `id` is the item's, where the provider gave it one.
    """

    text: str = ""
    signature: str | None = None
    provider: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Media:
    """A file, at a URL or as base64 in `data`, with its media type as far as it is known."""

    kind: MediaKind
    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    name: str | None = None

    @property
    def is_public(self) -> bool:
        """Whether every provider gets at it: its data are here or on the web, not in the storage of one of them."""
        return self.data is not None or (self.url or "").startswith(("https://", "http://"))


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that is called; its arguments are a string, JSON's for nearly all tools."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call: any JSON.

    The name is the tool's, where the format says it or its call is known. Where the value is a list of parts that are
    not all text, `content` is what they say: a format with files in results writes it in place of the value.
    """

    id: str
    value: Any
    is_error: bool = False
    name: str | None = None
    content: tuple[Text | Media, ...] = ()

    @property
    def text(self) -> str:
        """The result in text: its content's, else the value itself where it is text, else its JSON."""
        if self.content:
            return "\n".join(part.text for part in self.content if isinstance(part, Text))
        return self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)


Part = Text | Refusal | Reasoning | Media | Call | Result


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaks at a time. `item` is what a format had of it: in that format it is given back as it is.

    `message_id` is that of the message of ours that says it, for the formats whose messages have ids.
    """

    speaker: Speaker
    parts: tuple[Part, ...]
    item: dict[str, Any] | None = None
    message_id: UUID | None = None

    @property
    def calls(self) -> tuple[Call, ...]:
        """The tools that are called in it."""
        return tuple(part for part in self.parts if isinstance(part, Call))

    @property
    def has_only_results(self) -> bool:
        """Whether it is a tool's, whoever brings it."""
        return bool(self.parts) and all(isinstance(part, Result) for part in self.parts)

    @property
    def results(self) -> tuple[Result, ...]:
        """The results in it."""
        return tuple(part for part in self.parts if isinstance(part, Result))

    def with_parts(self, *parts: Part) -> "Turn":
        """Return the same speaker's, with these parts."""
        return replace(self, parts=parts)
