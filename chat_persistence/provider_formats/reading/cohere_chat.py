"""Cohere's v2 chat: messages of a role, a content, a plan of what to call, and calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from chat_persistence.provider_formats.data_urls import media_at
from chat_persistence.provider_formats.parts import Call, Part, Reasoning, Result, Speaker, Text
from chat_persistence.provider_formats.reading.call_ids import is_call_id, is_tool_name
from chat_persistence.provider_formats.reading.format import Format
from chat_persistence.provider_formats.reading.part_types import COHERE, may_be_content_of
from chat_persistence.provider_formats.reading.results import value_of
from chat_persistence.provider_formats.shapes import CallId, Content, Shape
from chat_persistence.values import MessageCreate
from chat_persistence.values import Text as StrictText

FOREIGN_KEYS = {
    "type",
    "parts",
    "function_call",
    "name",
    "refusal",
    "audio",
    "annotations",
    "status",
    "phase",
    "reasoning",
    "reasoning_content",
}
"""What messages of the other formats have."""


class CohereMessage(Shape):
    """A message of a request, or that of an answer."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Content = None
    tool_plan: StrictText | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: CallId | None = None


def from_cohere_chat(items: Sequence[Mapping[str, object]]) -> list[MessageCreate]:
    """Return a message for each of Cohere's v2 chat, of a request's `messages` or an answer's `message`.

    What Cohere's SDK returns is given as JSON, by its `model_dump(mode="json", exclude_none=True)`. A `tool_plan` is
    what the assistant says before it calls tools. Instructions and results of tools have no content: they are not for
    a person. Raise `InvalidInput` naming the place, as `items[3].role`, of what has not this shape.
    """
    return FORMAT.messages(items)


def _may_be(item: Mapping[str, Any]) -> bool:
    content, calls = item.get("content"), item.get("tool_calls") or ()
    if FOREIGN_KEYS & item.keys() or not may_be_content_of(COHERE, content):
        return False
    if item.get("role") != "tool" and isinstance(content, list) and any(map(_is_document, content)):
        return False
    # Such a message is OpenAI's: "text content is not allowed when tool_calls are provided", says Cohere.
    has_text = any(isinstance(part, Text) for part in _said(content))
    return not (calls and has_text) and all(_is_function(call) for call in calls)


def _is_function(call: Any) -> bool:
    return isinstance(call, dict) and call.get("type", "function") == "function"


def _read(message: CohereMessage) -> tuple[Speaker, Iterable[Part]]:
    if message.role == "tool":
        called = message.tool_call_id
        return "tool", [Result(called, _value(message.content))] if called else []
    plan = [Text(message.tool_plan)] if message.tool_plan else []
    return message.role, [*plan, *_said(message.content), *_calls(message.tool_calls or ())]


FORMAT = Format(COHERE, CohereMessage, _may_be, _read)


def _said(content: Any) -> Iterator[Part]:
    for block in content if isinstance(content, list) else [{"type": "text", "text": content}]:
        match block:
            case {"type": "text", "text": str(text)} if text:
                yield Text(text)
            case {"type": "thinking", "thinking": str(text)}:
                yield Reasoning(text)
            case {"type": "image_url", "image_url": {"url": str(url)}}:
                yield media_at(url, "image")


def _calls(calls: Iterable[dict[str, Any]]) -> Iterator[Call]:
    for call in calls:
        match call:
            case {"id": called, "function": {"name": name, **rest}} if is_call_id(called) and is_tool_name(name):
                arguments = rest.get("arguments")
                yield Call(called, name, arguments if isinstance(arguments, str) else "")


def _value(content: Any) -> Any:
    """Return a result: a text, or the data of the documents which it is given in, for Cohere to cite."""
    if not isinstance(content, list) or not any(map(_is_document, content)):
        return value_of(content)
    data = [_data_of(block) for block in content]
    return data[0] if len(data) == 1 else data


def _is_document(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "document"


def _data_of(block: Any) -> Any:
    match block:
        case {"type": "document", "document": {"data": data}}:
            return data
        case {"type": "text", "text": text}:
            return text
        case _:
            return block
