"""To Gemini's contents."""

import mimetypes
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

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
from chat_persistence.provider_formats.reading.gemini_contents import FORMAT, PROVIDER
from chat_persistence.provider_formats.writing.arguments import object_of
from chat_persistence.provider_formats.writing.tool_names import fitting_name
from chat_persistence.provider_formats.writing.turns import turns_for, with_results_together
from chat_persistence.values import MessageCreate, MessageRead

NO_SIGNATURE = b64encode(b"skip_thought_signature_validator").decode()
"""What Google has written on the first call of a step that another model made: Gemini 3 refuses it unsigned."""


def to_gemini_contents(messages: Iterable[MessageRead | MessageCreate]) -> list[dict[str, Any]]:
    """Return messages as a request's `contents`: what came from Gemini as it was, all else in its words, in camelCase.

    Instructions are not among them: `instructions_of(messages)` is the request's `systemInstruction`. The responses
    of calls that were made together are one content. Arguments are an object, and those that are none its `input`; a
    result that is an object is the response itself, any other is its `output`, and of a failure its `error`. Left out
    is what the model of another provider thought, and the names of files, which Gemini's own API refuses.
    """
    turns = turns_for(FORMAT, messages)
    return [item for turn in with_results_together(turns) for item in _items_of(turn)]


def _items_of(turn: Turn) -> Iterator[dict[str, Any]]:
    if turn.item:
        yield turn.item
    elif turn.speaker not in INSTRUCTIONS and (parts := [*_parts(turn.parts)]):
        yield {"role": "model" if turn.speaker == "assistant" else "user", "parts": _signed(parts)}


def _signed(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = next((part for part in parts if "functionCall" in part), None)
    return [part | {"thoughtSignature": NO_SIGNATURE} if part is first else part for part in parts]


def _parts(parts: Iterable[Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        match part:
            case Text(text) | Refusal(text):
                yield {"text": text}
            case Media():
                yield _file(part)
            case Reasoning(text, str(signature), provider) if provider == PROVIDER:
                yield {"text": text, "thought": True, "thoughtSignature": signature}
            case Call():
                call = {"id": part.id, "name": _name(part.name), "args": object_of(part.arguments)}
                yield {"functionCall": call}
            case Result():
                yield {"functionResponse": _response(part)}


def _file(media: Media) -> dict[str, Any]:
    if media.data is not None:
        mime_type = media.media_type or "application/octet-stream"
        return {"inlineData": {"mimeType": mime_type, "data": media.data}}
    guessed = media.media_type or mimetypes.guess_type(media.url or "")[0]
    return {"fileData": {"fileUri": media.url, **({"mimeType": guessed} if guessed else {})}}


def _response(result: Result) -> dict[str, Any]:
    response = {"id": result.id, "name": _name(result.name or "")}
    files = [_file(part) for part in result.content if isinstance(part, Media) and part.data is not None]
    if files:
        return response | {"response": {_outcome(result): result.text}, "parts": files}
    return response | {"response": _object_of(result)}


def _object_of(result: Result) -> dict[str, Any]:
    value = result.value
    is_response = isinstance(value, dict) and not result.is_error and value.keys() not in ({"output"}, {"error"})
    return value if is_response else {_outcome(result): value}


def _outcome(result: Result) -> str:
    return "error" if result.is_error else "output"


def _name(name: str) -> str:
    fitting = fitting_name(name)
    return fitting if fitting[0].isalpha() or fitting[0] == "_" else f"_{fitting}"[:64]
