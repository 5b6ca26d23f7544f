"""Pydantic AI's messages, requests and responses of parts: they are read here, and only Pydantic AI writes them."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from pydantic import ValidationError

from chat_persistence.provider_formats.parts import INSTRUCTIONS, Part, Reasoning, Turn
from chat_persistence.provider_formats.reading.pydantic_ai_parts import (
    NATIVE_CALL,
    NATIVE_RETURN,
    PROVIDERS,
    REQUEST_PARTS,
    RESPONSE_PARTS,
    PartShape,
    Said,
)

OPENAI = PROVIDERS["openai"]


def turns_in(native: Any) -> list[Turn] | None:
    """Return what a message says, a turn for each time that another one speaks; nothing where it is no such message.

    It is one as `ModelMessagesTypeAdapter` writes it, of any version: what a part says of a kind that is not known
    is left out. With a part that is damaged it is none. A request's `instructions` are not said in it: they are those
    of the agent that runs, and `instructions_in` has them.
    """
    match native:
        case {"kind": "request", "parts": list(parts)}:
            said = _said(parts, REQUEST_PARTS)
        case {"kind": "response", "parts": list(parts)}:
            said = _said(_with_outcome(parts), RESPONSE_PARTS)
        case _:
            return None
    return None if said is None else list(_turns(said))


def instructions_in(native: Any) -> str | None:
    """Return the instructions that a request was sent with, empty without any; nothing where it is no request."""
    match native:
        case {"kind": "request", "parts": list(), "instructions": str(text)}:
            return text
        case {"kind": "request", "parts": list()}:
            return ""
        case _:
            return None


def _said(parts: Iterable[Any], known: dict[str, type[PartShape]]) -> list[Said] | None:
    try:
        shapes = [shape.model_validate(part) for part in parts if (shape := _shape_of(part, known))]
    except ValidationError:
        return None
    return [said for shape in shapes for said in shape.said()]


def _shape_of(part: Any, known: dict[str, type[PartShape]]) -> type[PartShape] | None:
    match part:
        case {"part_kind": str(kind)}:
            return known.get(kind)
        case _:
            # What is no part is refused by any shape.
            return None if isinstance(part, dict) else PartShape


def _with_outcome(parts: list[Any]) -> list[Any]:
    """Leave out what runs at the provider and is told by half: no other takes a call without its result."""
    begun, ended = _ids(parts, NATIVE_CALL), _ids(parts, NATIVE_RETURN)
    half = begun ^ ended
    return [part for part in parts if not any(_is_of(part, kind, half) for kind in (NATIVE_CALL, NATIVE_RETURN))]


def _ids(parts: list[Any], kind: str) -> set[str]:
    return {part["tool_call_id"] for part in parts if _is_of(part, kind)}


def _is_of(part: Any, kind: str, ids: Container[str] | None = None) -> bool:
    match part:
        case {"part_kind": str(given), "tool_call_id": str(called)} if given == kind:
            return ids is None or called in ids
        case _:
            return False


def _turns(said: Iterable[Said]) -> Iterator[Turn]:
    for speaker, run in groupby(said, lambda each: each[0]):
        parts = [part for _, part in run]
        if speaker in INSTRUCTIONS:
            yield from (Turn(speaker, (part,)) for part in parts)
        else:
            yield Turn(speaker, tuple(_signed(parts)))


def _signed(parts: Iterable[Part]) -> Iterator[Part]:
    """Yield parts, each thought with the signature of its item: of OpenAI's, only the first has it here."""
    signatures: dict[str | None, str | None] = {}
    for part in parts:
        if isinstance(part, Reasoning) and part.provider == OPENAI and part.id:
            signature = signatures.setdefault(part.id, part.signature)
            yield replace(part, signature=signature)
        else:
            yield part
