"""Anthropic's Messages: a role, and blocks of text, files, thoughts, calls and results."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from chat_persistence.provider_formats.data_urls import kind_of
from chat_persistence.provider_formats.parts import Call, Media, Part, Reasoning, Result, Speaker, Text
from chat_persistence.provider_formats.reading.call_ids import is_call_id, is_tool_name
from chat_persistence.provider_formats.reading.format import Format
from chat_persistence.provider_formats.reading.part_types import ANTHROPIC, may_be_content_of
from chat_persistence.provider_formats.reading.results import value_of
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.values import MessageCreate

PROVIDER = "anthropic"

FOREIGN_KEYS = {
    "parts",
    "tool_calls",
    "tool_call_id",
    "tool_plan",
    "citations",
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

CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")
RESULT = "tool_result"
"""How the types of results end, those of Anthropic's own tools too: `web_search_tool_result` and the like."""


def _are_blocks(given: Any) -> Any:
    if isinstance(given, str) or (isinstance(given, list) and all(isinstance(block, dict) for block in given)):
        return given
    raise ValueError("must be a text or a list of blocks")


class AnthropicMessage(Shape):
    """A message of a request, or the answer to one."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[Any, AfterValidator(_are_blocks)]
    type: Literal["message"] | None = None


def from_anthropic_messages(items: Sequence[Mapping[str, object]]) -> list[MessageCreate]:
    """Return a message for each of Anthropic's, of a request's `messages` or an answer as a whole.

    What Anthropic's SDK returns is given as JSON, by its `to_dict(mode="json")`. A request's `system` is none of them.
    What the user role brings is the person's, unless it is results of tools alone. A tool that Anthropic runs itself
    is a call whose result is in the same message. Raise `InvalidInput` naming the place, as `items[3].role`, of what
    has not this shape.
    """
    return FORMAT.messages(items)


def _may_be(item: Mapping[str, Any]) -> bool:
    content = item.get("content")
    # A message of OpenAI's Responses may say its type, too, and its content may be a text.
    is_of_responses = item.get("type") == "message" and isinstance(content, str)
    if is_of_responses or FOREIGN_KEYS & item.keys() or not may_be_content_of(ANTHROPIC, content):
        return False
    # A text of nothing but spaces is refused; as another format's it is left out.
    if isinstance(content, str) and not content.strip():
        return False
    return not isinstance(content, list) or not any(map(_is_unsigned, content))


def _is_unsigned(block: Any) -> bool:
    """Whether it is a thought as Cohere has them: Anthropic refuses one without its signature."""
    return isinstance(block, dict) and block.get("type") == "thinking" and "signature" not in block


def _read(message: AnthropicMessage) -> tuple[Speaker, Iterable[Part]]:
    blocks = message.content if isinstance(message.content, list) else [{"type": "text", "text": message.content}]
    return message.role, [part for block in blocks for part in _parts(block)]


FORMAT = Format(ANTHROPIC, AnthropicMessage, _may_be, _read)


def _parts(block: dict[str, Any]) -> Iterator[Part]:
    match block:
        case {"type": "thinking", "thinking": str(text), "signature": str(signature)}:
            yield Reasoning(text, signature, PROVIDER)
        case {"type": "thinking" | "redacted_thinking"}:
            yield Reasoning()
        case {"type": str(kind), "id": call_id, "name": name} if kind in CALLS:
            if is_call_id(call_id) and is_tool_name(name):
                yield Call(call_id, name, json.dumps(block.get("input", {}), ensure_ascii=False))
        case {"type": str(kind), "tool_use_id": call_id} if kind.endswith(RESULT):
            if is_call_id(call_id):
                yield _result(call_id, block.get("content", ""), block.get("is_error") is True)
        case _:
            yield from _said(block)


def _said(block: dict[str, Any]) -> Iterator[Text | Media]:
    match block:
        case {"type": "text", "text": str(text)} if text:
            yield Text(text)
        case {"type": "image", "source": dict(source)}:
            yield from _file(source, "image/*", None)
        case {"type": "document", "source": dict(source)}:
            title = block.get("title")
            yield from _file(source, "application/pdf", title if isinstance(title, str) else None)


def _file(source: dict[str, Any], media_type: str, name: str | None) -> Iterator[Media]:
    kind = kind_of(media_type)
    match source:
        case {"type": "base64", "data": str(data), "media_type": str(given)}:
            yield Media(kind, data=data, media_type=given, name=name)
        case {"type": "url", "url": str(url)}:
            yield Media(kind, url=url, media_type=None if kind == "image" else media_type, name=name)
        case {"type": "text", "data": str(text)}:
            data = b64encode(text.encode(errors="surrogatepass")).decode()
            yield Media(kind, data=data, media_type="text/plain", name=name)


def _result(id: str, content: Any, is_error: bool) -> Result:
    failed = isinstance(content, dict) and str(content.get("type")).endswith("_error")
    value = value_of(content)
    blocks = [block for block in value if isinstance(block, dict)] if isinstance(value, list) else []
    return Result(id, value, is_error or failed, content=tuple(part for block in blocks for part in _said(block)))
