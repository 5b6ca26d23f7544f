"""To Anthropic's Messages."""

import re
from base64 import b64decode
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
    Speaker,
    Text,
    Turn,
)
from chat_persistence.provider_formats.reading.anthropic_messages import FORMAT, PROVIDER
from chat_persistence.provider_formats.writing.arguments import object_of
from chat_persistence.provider_formats.writing.contents import content_of
from chat_persistence.provider_formats.writing.tool_names import fitting_id, fitting_name
from chat_persistence.provider_formats.writing.turns import turns_for, with_results_together
from chat_persistence.values import MessageCreate, MessageRead

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
MAX_NAME = 128

_ID = re.compile("[a-zA-Z0-9_-]+")


def to_anthropic_messages(messages: Iterable[MessageRead | MessageCreate]) -> list[dict[str, Any]]:
    """Return messages as a request's `messages`: what came from Anthropic as it was, all else in its words.

    Of an answer that was read as a whole, role and content come back: a request with its id or its model is refused.

    Instructions are not among them: `instructions_of(messages)` is the request's `system`. Only one that came from
    Anthropic, or looks so, keeps its place after what the person said, where newer models take it.

    The results of calls that were made together are one message. Arguments are an object, and those that are none its
    `input`. Left out is what Anthropic cannot be told: a text of nothing but spaces, files of the assistant's, what the
    model of another provider thought, and files other than JPEG, PNG, GIF, WebP, PDF and plain text.
    """
    turns = with_results_together(turns_for(FORMAT, messages))
    return [item for turn in _without_instructions(turns) for item in _items_of(turn)]


def _without_instructions(turns: Iterable[Turn]) -> Iterator[Turn]:
    before: Speaker = "assistant"
    for turn in turns:
        is_instruction = turn.speaker in INSTRUCTIONS
        if is_instruction and (not turn.item or before == "assistant"):
            continue
        before = before if is_instruction else turn.speaker
        yield turn


def _items_of(turn: Turn) -> Iterator[dict[str, Any]]:
    if turn.item:
        is_answer = "type" in turn.item
        yield {"role": turn.item["role"], "content": turn.item["content"]} if is_answer else turn.item
    elif blocks := [*_blocks(turn.speaker, turn.parts)]:
        role = "assistant" if turn.speaker == "assistant" else "user"
        yield {"role": role, "content": content_of(blocks)}


def _blocks(speaker: Speaker, parts: Iterable[Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        match part:
            case Text(text) | Refusal(text) if text.strip():
                yield {"type": "text", "text": text}
            case Media() if speaker != "assistant" and part.is_public:
                yield from _file(part)
            case Reasoning(text, str(signature), provider) if provider == PROVIDER:
                yield {"type": "thinking", "thinking": text, "signature": signature}
            case Call():
                yield _call(part)
            case Result():
                yield _result(part)


def _file(media: Media) -> Iterator[dict[str, Any]]:
    if media.kind == "image":
        if media.url or media.media_type in IMAGE_TYPES:
            yield {"type": "image", "source": _source(media)}
    elif media.media_type == "application/pdf":
        yield {"type": "document", "source": _source(media)} | _title(media)
    elif media.media_type == "text/plain" and (text := _text_in(media)):
        yield {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}} | _title(media)


def _text_in(media: Media) -> str | None:
    try:
        return b64decode(media.data or "", validate=True).decode(errors="surrogatepass")
    except ValueError:
        return None


def _source(media: Media) -> dict[str, Any]:
    if media.data is None:
        return {"type": "url", "url": media.url}
    return {"type": "base64", "media_type": media.media_type, "data": media.data}


def _title(media: Media) -> dict[str, Any]:
    return {"title": media.name} if media.name else {}


def _call(call: Call) -> dict[str, Any]:
    name = fitting_name(call.name, MAX_NAME)
    return {"type": "tool_use", "id": fitting_id(call.id, _ID), "name": name, "input": object_of(call.arguments)}


def _result(result: Result) -> dict[str, Any]:
    content = [*_blocks("tool", result.content)] or result.text
    return {
        "type": "tool_result",
        "tool_use_id": fitting_id(result.id, _ID),
        **({"content": content} if content else {}),
        **({"is_error": True} if result.is_error else {}),
    }
