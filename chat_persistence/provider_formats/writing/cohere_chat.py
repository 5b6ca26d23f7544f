"""To Cohere's v2 chat."""

from collections.abc import Iterable, Iterator
from typing import Any

from chat_persistence.provider_formats.data_urls import url_of
from chat_persistence.provider_formats.parts import INSTRUCTIONS, Call, Media, Part, Refusal, Result, Text, Turn
from chat_persistence.provider_formats.reading.cohere_chat import FORMAT
from chat_persistence.provider_formats.reading.format import text_of
from chat_persistence.provider_formats.writing.contents import content_of
from chat_persistence.provider_formats.writing.tool_names import fitting_name
from chat_persistence.provider_formats.writing.turns import turns_for
from chat_persistence.values import MessageCreate, MessageRead


def to_cohere_chat(messages: Iterable[MessageRead | MessageCreate]) -> list[dict[str, Any]]:
    """Return messages as a request's `messages`: what came from Cohere as it was, all else in its words.

    What the assistant says beside its calls is their `tool_plan`. Each result of a tool is a message of its own,
    directly after its call. Left out is what Cohere cannot be told: what a model of another provider thought, files
    other than a person's images, and that a result is an error.
    """
    return [item for turn in turns_for(FORMAT, messages) for item in _items_of(turn)]


def _items_of(turn: Turn) -> Iterator[dict[str, Any]]:
    if turn.item:
        yield turn.item
    elif turn.speaker == "tool":
        yield from map(_result, turn.results)
    elif turn.calls:
        plan = text_of(turn.parts)
        calls = {"tool_calls": [_call(call) for call in turn.calls]}
        yield {"role": "assistant", **({"tool_plan": plan} if plan else {}), **calls}
    elif content := content_of([block for part in turn.parts for block in _block(part, turn)]):
        yield {"role": "system" if turn.speaker in INSTRUCTIONS else turn.speaker, "content": content}


def _block(part: Part, turn: Turn) -> Iterator[dict[str, Any]]:
    if isinstance(part, Text | Refusal):
        yield {"type": "text", "text": part.text}
    elif isinstance(part, Media) and part.kind == "image" and part.is_public and turn.speaker == "user":
        yield {"type": "image_url", "image_url": {"url": url_of(part)}}


def _call(call: Call) -> dict[str, Any]:
    function = {"name": fitting_name(call.name), "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _result(result: Result) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": result.id, "content": result.text}
