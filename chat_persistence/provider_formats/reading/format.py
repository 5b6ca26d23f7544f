"""What a format is to a reader: how its items are known, and what they say."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from chat_persistence.errors import InvalidInput
from chat_persistence.models import MessageRole
from chat_persistence.provider_formats.parts import Call, Part, Refusal, Result, Speaker, Text, Turn
from chat_persistence.provider_formats.shapes import Shape, first_fault
from chat_persistence.text import to_json
from chat_persistence.values import MessageCreate, ToolCall

AnyShape = TypeVar("AnyShape", bound=Shape)


@dataclass(frozen=True, slots=True)
class Format(Generic[AnyShape]):
    """A provider's format of one message or item.

    `read` says who speaks, and what. Of what is stored nobody says the format: it is one with the right shape that it
    `may_be`, nothing in it being known to be of other formats only. What nobody knows is let be, for providers add to
    their formats.
    """

    name: str
    shape: type[AnyShape]
    may_be: Callable[[Mapping[str, Any]], bool]
    read: Callable[[AnyShape], tuple[Speaker, Iterable[Part]]]

    def turn(self, item: Any) -> Turn | None:
        """Return what an item says, or nothing when it is none of this format's."""
        if not isinstance(item, dict):
            return None
        try:
            shape = self.shape.model_validate(item)
        except ValidationError:
            return None
        # After the shape, so that it need not doubt it.
        if not self.may_be(item):
            return None
        speaker, parts = self.read(shape)
        return Turn(speaker, tuple(parts), item)

    def turns(self, item: Any) -> list[Turn] | None:
        """Return what an item says as a list of one, or nothing when it is none of this format's."""
        turn = self.turn(item)
        return None if turn is None else [turn]

    def messages(self, items: Sequence[Mapping[str, object]]) -> list[MessageCreate]:
        """Return a message for each item, or raise `InvalidInput` naming where one is none of this format's."""
        return [message_of(self._turn(item, f"items[{place}]")) for place, item in enumerate(items)]

    def _turn(self, item: Mapping[str, object], place: str) -> Turn:
        if not isinstance(item, Mapping):
            raise InvalidInput(place, "must be an object")
        given = dict(item)
        try:
            shape = self.shape.model_validate(given)
        except ValidationError as error:
            where, why = first_fault(error)
            raise InvalidInput(place + where, why) from None
        with is_json(given, place):
            speaker, parts = self.read(shape)
            return Turn(speaker, tuple(parts), given)


@contextmanager
def is_json(item: Any, place: str) -> Iterator[None]:
    """Read an item as JSON; when that fails, raise `InvalidInput` naming where it is none."""
    try:
        yield
    except (AttributeError, RecursionError, TypeError, ValueError):
        to_json(item, place, sys.maxsize, binary=False)
        raise


def message_of(turn: Turn) -> MessageCreate:
    """Return a turn that was read as a message."""
    said = said_in(turn)
    return MessageCreate(
        role=said.role, content=said.content, tool_calls=said.tool_calls, native=native_of(said, turn.item or {})
    )


@dataclass(frozen=True, slots=True)
class Said:
    """A turn as a message has it: its side, what a person reads of it, and the calls and results in it."""

    role: MessageRole = MessageRole.ASSISTANT
    content: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)


def said_in(turn: Turn) -> Said:
    """Return a turn as a message has it; what is said to a model alone, as instructions are, has no content."""
    return Said(
        MessageRole.USER if turn.speaker == "user" and not turn.has_only_results else MessageRole.ASSISTANT,
        text_of(turn.parts) if turn.speaker in ("user", "assistant") else "",
        _tool_calls(turn.parts),
    )


def text_of(parts: Iterable[Part]) -> str:
    """Return what a person reads of parts, one a line."""
    return "\n".join(part.text for part in parts if isinstance(part, Text | Refusal))


def native_of(said: Said, item: dict[str, Any]) -> dict[str, Any] | None:
    """Return the item, or nothing where a role and a text say all of it."""
    return None if said.content and item == {"role": said.role.value, "content": said.content} else item


def _tool_calls(parts: Iterable[Part]) -> list[ToolCall]:
    """Return calls and results in their order; a result beside its call is told with it."""
    told: list[ToolCall] = []
    for part in parts:
        if isinstance(part, Call):
            told.append(ToolCall(part.id, part.name, part.arguments))
        elif isinstance(part, Result):
            _tell_result(told, part)
    return told


def _tell_result(told: list[ToolCall], part: Result) -> None:
    place = next((place for place, call in enumerate(told) if call.id == part.id and not call.has_result), None)
    if place is None:
        told.append(ToolCall(part.id, result=part.value, is_error=part.is_error))
    else:
        call = told[place]
        told[place] = ToolCall(call.id, call.name, call.arguments, part.value, part.is_error)
