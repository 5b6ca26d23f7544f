"""Gemini's contents: a role, and parts that each have a field for what they are."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import model_validator

from chat_persistence.provider_formats.data_urls import kind_of
from chat_persistence.provider_formats.parts import Call, Media, Part, Reasoning, Result, Speaker, Text
from chat_persistence.provider_formats.reading.call_ids import CallIds, is_call_id, is_tool_name
from chat_persistence.provider_formats.reading.format import Format
from chat_persistence.provider_formats.reading.part_types import GEMINI
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.values import MessageCreate

PROVIDER = "google"

CODE_EXECUTION = "code_execution"
"""What Gemini calls the tool that runs code; the parts themselves do not name it."""

SPEAKERS: dict[str | None, Speaker] = {"model": "assistant", "function": "tool", "tool": "tool"}
"""Without a role a content is the user's, for Gemini too."""

FOREIGN_KEYS = {"content", "id", "type", "tool_calls", "kind"}
"""What messages of the other formats have, and Pydantic AI's."""


class GeminiContent(Shape):
    """A content of a request, or a candidate's."""

    role: Literal["user", "model", "function", "tool"] | None = None
    parts: list[dict[str, Any]] | None = None
    content: Any = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        # A model that had no tokens left to answer with has a role alone.
        if self.parts is None and (self.role != "model" or self.content is not None):
            raise ValueError("must have parts")
        return self


def from_gemini_contents(items: Sequence[Mapping[str, object]]) -> list[MessageCreate]:
    """Return a message for each of Gemini's contents, of a request's `contents` or a candidate's `content`.

    What Google's SDK returns is given as JSON, by its `model_dump(mode="json", exclude_none=True)`; its snake_case is
    read as well as the API's camelCase. A request's `systemInstruction` is none of them. What the user role brings is
    the person's, unless it is responses of functions alone. Where a call has no id, it is told with `name-1`, `name-2`
    …, and so are responses. Code that Gemini runs itself is a call of `code_execution`. Raise `InvalidInput` naming
    the place, as `items[3].role`, of what has not this shape.
    """
    return FORMAT.messages(items)


def _may_be(item: Mapping[str, Any]) -> bool:
    parts = item.get("parts") or ()
    return not FOREIGN_KEYS & item.keys() and not any("type" in part for part in parts if isinstance(part, dict))


def _read(content: GeminiContent) -> tuple[Speaker, Iterable[Part]]:
    calls, results = CallIds(), CallIds()
    parts = [part for given in content.parts or () for part in _parts(_camel(given), calls, results)]
    return SPEAKERS.get(content.role, "user"), parts


FORMAT = Format(GEMINI, GeminiContent, _may_be, _read)


def _camel(given: dict[str, Any]) -> dict[str, Any]:
    """Return an object of the API's with its own fields in camelCase."""
    return {_camel_name(key): value for key, value in given.items()}


def _camel_name(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(map(str.capitalize, rest))


def _parts(part: dict[str, Any], calls: CallIds, results: CallIds) -> Iterator[Part]:
    match part:
        case {"text": str(text), "thought": True}:
            signature = part.get("thoughtSignature")
            yield Reasoning(text, signature if isinstance(signature, str) else None, PROVIDER)
        case {"text": str(text)} if text:
            yield Text(text)
        case {"inlineData": dict(data)} | {"fileData": dict(data)}:
            yield from _media(_camel(data))
        case {"functionCall": dict(call)}:
            yield from _call(call, call.get("name"), calls)
        case {"toolCall": dict(call)}:
            yield from _call(call, _camel(call).get("toolType"), calls)
        case {"executableCode": dict(code)}:
            arguments = {key: code[key] for key in code if key != "id"}
            yield from _call({"id": code.get("id"), "args": arguments}, CODE_EXECUTION, calls)
        case _:
            yield from _results(part, results)


def _call(call: dict[str, Any], name: Any, ids: CallIds) -> Iterator[Call]:
    if is_tool_name(name):
        yield Call(_id(name, call, ids), name, json.dumps(call.get("args") or {}, ensure_ascii=False))


def _results(part: dict[str, Any], ids: CallIds) -> Iterator[Result]:
    match part:
        case {"functionResponse": dict(response)}:
            yield from _response(response, ids)
        case {"toolResponse": dict(response)}:
            name = _camel(response).get("toolType")
            if is_tool_name(name):
                yield Result(_id(name, response, ids), response.get("response"), name=name)
        case {"codeExecutionResult": dict(result)}:
            failed = result.get("outcome") != "OUTCOME_OK"
            yield Result(_id(CODE_EXECUTION, result, ids), result.get("output", ""), failed, CODE_EXECUTION)


def _response(response: dict[str, Any], ids: CallIds) -> Iterator[Result]:
    name = response.get("name")
    if is_tool_name(name):
        value, is_error = _outcome(response.get("response"))
        result = Result(_id(name, response, ids), value, is_error, name)
        files = tuple(_files(response.get("parts")))
        yield replace(result, content=(Text(result.text), *files)) if files else result


def _outcome(response: Any) -> tuple[Any, bool]:
    """Return what came of a function, and whether it failed: Gemini's reference calls them `output` and `error`."""
    match response:
        case {"output": value} if len(response) == 1:
            return value, False
        case {"error": value} if len(response) == 1:
            return value, True
        case _:
            return response, False


def _files(parts: Any) -> Iterator[Media]:
    for part in parts if isinstance(parts, list) else ():
        match _camel(part) if isinstance(part, dict) else part:
            case {"inlineData": dict(data)} | {"fileData": dict(data)}:
                yield from _media(_camel(data))


def _media(data: dict[str, Any]) -> Iterator[Media]:
    media_type = given if isinstance(given := data.get("mimeType"), str) else None
    name = given if isinstance(given := data.get("displayName"), str) else None
    match data:
        case {"data": str(content)}:
            # Google's SDK writes base64 with the letters for URLs, which other providers refuse.
            standard = content.replace("-", "+").replace("_", "/")
            yield Media(kind_of(media_type), data=standard, media_type=media_type, name=name)
        case {"fileUri": str(url)}:
            yield Media(kind_of(media_type), url=url, media_type=media_type, name=name)


def _id(name: str, given: dict[str, Any], ids: CallIds) -> str:
    own = given.get("id")
    return own if is_call_id(own) else ids.next(name)
