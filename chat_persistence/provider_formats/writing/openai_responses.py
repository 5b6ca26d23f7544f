"""To OpenAI's Responses."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from chat_persistence.provider_formats.data_urls import name_of, url_of
from chat_persistence.provider_formats.parts import (
    INSTRUCTIONS,
    Call,
    Media,
    Part,
    Reasoning,
    Refusal,
    Result,
    Text,
    Turn,
)
from chat_persistence.provider_formats.reading.format import text_of
from chat_persistence.provider_formats.reading.messages import turns_of
from chat_persistence.provider_formats.reading.openai_responses import FORMAT, PROVIDER
from chat_persistence.provider_formats.writing.tool_names import fitting_id, fitting_name
from chat_persistence.values import MessageCreate, MessageRead

Writer = Callable[[Turn, list[Part]], Iterator[dict[str, Any]]]

_ID = re.compile(".{1,64}", re.DOTALL)


def to_openai_responses(messages: Iterable[MessageRead | MessageCreate]) -> list[dict[str, Any]]:
    """Return messages as a request's `input`: what came from Responses as it was, all else in its words.

    A message is items of its own, whatever stands around it, for Responses finds results by their calls' ids: its text,
    each call and each result, which is text or JSON, or text and files. An id of more than 64 characters, and a name
    of others than letters, digits, `_` and `-`, is replaced. A refusal is told as text. Left out is what Responses
    cannot be told: what a model of another provider thought, files of the assistant's, audio, videos, and that a
    result is an error.
    """
    return [item for message in messages for turn in turns_of(message, FORMAT) for item in _items(turn)]


def _items(turn: Turn) -> Iterator[dict[str, Any]]:
    if turn.item:
        yield turn.item
    elif turn.speaker in INSTRUCTIONS:
        yield {"role": turn.speaker, "content": text_of(turn.parts)}
    else:
        for write, parts in groupby(_followed(turn.parts), _writer_of):
            yield from write(turn, list(parts))


def _followed(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return parts without what was thought at their end: OpenAI wants what it was thought for after it."""
    end = len(parts)
    while end and isinstance(parts[end - 1], Reasoning):
        end -= 1
    return parts[:end]


def _writer_of(part: Part) -> Writer:
    if isinstance(part, Reasoning):
        return _thought
    return _said if isinstance(part, Text | Refusal | Media) else _of_tools


def _thought(_: Turn, parts: list[Part]) -> Iterator[dict[str, Any]]:
    """Yield what OpenAI itself has encrypted and another format has kept, each item's summaries together."""
    encrypted = [part for part in parts if isinstance(part, Reasoning) and part.signature and part.id]
    for name, run in groupby((part for part in encrypted if part.provider == PROVIDER), lambda part: part.id):
        thoughts = list(run)
        summary = [{"type": "summary_text", "text": part.text} for part in thoughts if part.text]
        yield {"type": "reasoning", "id": name, "summary": summary, "encrypted_content": thoughts[-1].signature}


def _said(turn: Turn, parts: list[Part]) -> Iterator[dict[str, Any]]:
    content = _user_content(parts) if turn.speaker == "user" else text_of(parts)
    if content:
        yield {"role": "user" if turn.speaker == "user" else "assistant", "content": content}


def _user_content(parts: list[Part]) -> str | list[dict[str, Any]]:
    match [written for part in parts if (written := _input(part))]:
        case [{"type": "input_text", "text": str(text)}]:
            return text
        case several:
            return several


def _input(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(text) | Refusal(text):
            return {"type": "input_text", "text": text}
        case Media() if not part.is_public:
            return None
        case Media("image"):
            return {"type": "input_image", "detail": "auto", "image_url": url_of(part)}
        case Media("file", url=str(url), data=None):
            return {"type": "input_file", "file_url": url}
        case Media("file"):
            return {"type": "input_file", "filename": name_of(part), "file_data": url_of(part)}
    return None


def _of_tools(_: Turn, parts: list[Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        if isinstance(part, Call):
            named = {"call_id": fitting_id(part.id, _ID), "name": fitting_name(part.name)}
            yield {"type": "function_call", **named, "arguments": part.arguments or "{}"}
        elif isinstance(part, Result):
            yield {"type": "function_call_output", "call_id": fitting_id(part.id, _ID), "output": _output(part)}


def _output(result: Result) -> str | list[dict[str, Any]]:
    written = [part for part in map(_input, result.content) if part]
    return written if any(part["type"] != "input_text" for part in written) else result.text
