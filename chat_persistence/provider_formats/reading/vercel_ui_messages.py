"""The UI messages of Vercel's AI SDK: an answer is one message, its parts the steps towards it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Literal

from chat_persistence.provider_formats.data_urls import kind_of, media_at
from chat_persistence.provider_formats.parts import Call, Part, Reasoning, Result, Speaker, Text
from chat_persistence.provider_formats.reading.call_ids import is_call_id, is_tool_name
from chat_persistence.provider_formats.reading.format import Format
from chat_persistence.provider_formats.reading.part_types import VERCEL
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.values import MessageCreate
from chat_persistence.values import Text as StrictText

DYNAMIC_TOOL = "dynamic-tool"
STATIC_TOOL = "tool-"

DENIED = "Tool execution denied."
"""What the AI SDK tells a model of a call that was not approved, where no reason was given."""


class UIMessage(Shape):
    """A message as `useChat` has it."""

    id: StrictText
    role: Literal["system", "user", "assistant"]
    parts: list[dict[str, Any]]


def from_vercel_ui_messages(items: Sequence[Mapping[str, object]]) -> list[MessageCreate]:
    """Return a message for each UI message of the AI SDK, version 5 or later.

    A part of a tool is a call, with its result once there is one. The message's own `id` stays in `native`. Raise
    `InvalidInput` naming the place, as `items[3].parts`, of what has not this shape.
    """
    return FORMAT.messages(items)


def _may_be(item: Mapping[str, Any]) -> bool:
    parts = item.get("parts") or ()
    return "content" not in item and all(isinstance(part, dict) and isinstance(part.get("type"), str) for part in parts)


def _read(message: UIMessage) -> tuple[Speaker, Iterable[Part]]:
    return message.role, _parts(message.parts)


FORMAT = Format(VERCEL, UIMessage, _may_be, _read)


def _parts(given: Iterable[dict[str, Any]]) -> Iterator[Part]:
    for are_tools, run in groupby(given, _is_tool):
        if are_tools:
            # Tools that stand together were called together, and then came their results.
            yield from sorted((part for each in run for part in _tool(each)), key=lambda part: isinstance(part, Result))
        else:
            yield from (part for each in run for part in _said(each))


def _is_tool(part: dict[str, Any]) -> bool:
    kind = part.get("type")
    return isinstance(kind, str) and (kind == DYNAMIC_TOOL or kind.startswith(STATIC_TOOL))


def _said(part: dict[str, Any]) -> Iterator[Part]:
    match part:
        case {"type": "text", "text": str(text)} if text:
            yield Text(text)
        case {"type": "reasoning", "text": str(text)}:
            yield _reasoning(text, part.get("providerMetadata"))
        case {"type": "file", "url": str(url), "mediaType": str(media_type)}:
            name = part.get("filename")
            media = media_at(url, kind_of(media_type), name if isinstance(name, str) else None)
            # `image/*` and the like: the SDK looks into the file itself.
            yield media if media_type.endswith("/*") else replace(media, media_type=media_type)


def _reasoning(text: str, metadata: Any) -> Reasoning:
    match metadata:
        case {"anthropic": {"signature": str(signature)}}:
            return Reasoning(text, signature, "anthropic")
        case {"google": {"thoughtSignature": str(signature)}}:
            return Reasoning(text, signature, "google")
        case {"openai": {"itemId": str(id), "reasoningEncryptedContent": str(encrypted)}}:
            return Reasoning(text, encrypted, "openai", id)
        case _:
            return Reasoning(text)


def _tool(part: dict[str, Any]) -> Iterator[Part]:
    call_id, name = part.get("toolCallId"), _name(part)
    if is_call_id(call_id) and is_tool_name(name):
        yield Call(call_id, name, _arguments(part))
        yield from _result(call_id, name, part)


def _name(part: dict[str, Any]) -> Any:
    return part.get("toolName") if part["type"] == DYNAMIC_TOOL else part["type"].removeprefix(STATIC_TOOL)


def _arguments(part: dict[str, Any]) -> str:
    # What a model wrote that is not JSON is in `rawInput`, and in later versions the `input` itself.
    given = next((part[key] for key in ("input", "rawInput") if part.get(key) is not None), "")
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _result(id: str, name: str, part: dict[str, Any]) -> Iterator[Result]:
    match part:
        case {"state": "output-available"}:
            yield Result(id, part.get("output"), name=name)
        case {"state": "output-error"}:
            yield Result(id, part.get("errorText", ""), True, name)
        case {"state": "output-denied"}:
            yield Result(id, _reason(part.get("approval")), True, name)


def _reason(approval: Any) -> str:
    reason = approval.get("reason") if isinstance(approval, dict) else None
    return reason if isinstance(reason, str) else DENIED
