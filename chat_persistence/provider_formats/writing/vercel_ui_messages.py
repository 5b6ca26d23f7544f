"""To the UI messages of Vercel's AI SDK."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count, groupby
from typing import Any

from chat_persistence.provider_formats.data_urls import url_of
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
from chat_persistence.provider_formats.reading.vercel_ui_messages import DYNAMIC_TOOL, FORMAT
from chat_persistence.provider_formats.writing.arguments import json_of
from chat_persistence.provider_formats.writing.turns import turns_for
from chat_persistence.values import MessageCreate, MessageRead


def to_vercel_ui_messages(messages: Iterable[MessageRead | MessageCreate]) -> list[dict[str, Any]]:
    """Return messages as `useChat` takes them: what came from the AI SDK as it was, all else in its words.

    All that the assistant says and calls in a row is one UI message, as the SDK has it, with `step-start` between its
    steps, and the id of the first of our messages. Tools are `dynamic-tool` parts: what they take and return is not
    known to a type. An error is told as text. What a model thought is told, and with it its provider's signature. What
    came of a call of the SDK's own message, and was stored later, is put into its part.
    """
    return list(_items(_with_outputs(turns_for(FORMAT, messages)), _Ids()))


def _with_outputs(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Yield turns, the SDK's own with the results that were stored after them."""
    own: Turn | None = None
    for turn in turns:
        if own and own.item and not turn.item and turn.has_only_results:
            own = replace(own, item=_answered(own.item, turn.results))
            continue
        if own:
            yield own
        own = turn if turn.item else None
        if not own:
            yield turn
    if own:
        yield own


def _answered(item: dict[str, Any], results: Iterable[Result]) -> dict[str, Any]:
    outputs = {result.id: _output(result) for result in results}
    return item | {"parts": [part | outputs.get(str(part.get("toolCallId")), {}) for part in item["parts"]]}


def _items(turns: Iterable[Turn], ids: "_Ids") -> Iterator[dict[str, Any]]:
    for is_answer, run in groupby(turns, _is_of_answer):
        if is_answer:
            first, *rest = run
            yield from _message(first, "assistant", _answer([first, *rest]), ids)
            continue
        for turn in run:
            if turn.item:
                yield turn.item
            else:
                role = "system" if turn.speaker in INSTRUCTIONS else turn.speaker
                yield from _message(turn, role, [*_parts(turn.parts)], ids)


def _message(turn: Turn, role: str, parts: list[dict[str, Any]], ids: "_Ids") -> Iterator[dict[str, Any]]:
    if parts:
        yield {"id": ids.next(turn), "role": role, "parts": parts}


def _is_of_answer(turn: Turn) -> bool:
    return not turn.item and turn.speaker in ("assistant", "tool")


class _Ids:
    """Each message's own id: several may be of the same message of ours."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def next(self, turn: Turn) -> str:
        free = (own for number in count(1) if (own := _numbered(turn, number)) not in self._given)
        self._given.add(own := next(free))
        return own


def _numbered(turn: Turn, number: int) -> str:
    return str(turn.message_id) if number == 1 else f"{turn.message_id}-{number}"


def _answer(turns: list[Turn]) -> list[dict[str, Any]]:
    """Return the parts of an answer, each call with what came of it."""
    results = {result.id: result for turn in turns for result in turn.results}
    parts: list[dict[str, Any]] = []
    for turn in turns:
        said = [*_parts(turn.parts, results)]
        parts += [{"type": "step-start"}, *said] if said and parts else said
    return parts


def _parts(parts: Iterable[Part], results: dict[str, Result] | None = None) -> Iterator[dict[str, Any]]:
    for part in parts:
        match part:
            case Text(text) | Refusal(text):
                yield {"type": "text", "text": text}
            case Reasoning():
                yield from _reasoning(part)
            case Media():
                yield _file(part)
            case Call():
                yield _tool(part, (results or {}).get(part.id))


def _reasoning(reasoning: Reasoning) -> Iterator[dict[str, Any]]:
    part = {"type": "reasoning", "text": reasoning.text}
    match reasoning:
        case Reasoning(_, str(signature), "anthropic"):
            yield part | {"providerMetadata": {"anthropic": {"signature": signature}}}
        case Reasoning(_, str(signature), "google"):
            yield part | {"providerMetadata": {"google": {"thoughtSignature": signature}}}
        case Reasoning(_, str(encrypted), "openai", str(id)):
            yield part | {"providerMetadata": {"openai": {"itemId": id, "reasoningEncryptedContent": encrypted}}}
        case Reasoning(text) if text:
            yield part


def _file(media: Media) -> dict[str, Any]:
    # The SDK looks into a file itself where its media type is not known in full.
    media_type = media.media_type or (f"{media.kind}/*" if media.kind != "file" else "application/octet-stream")
    name = {"filename": media.name} if media.name else {}
    return {"type": "file", "mediaType": media_type, "url": url_of(media), **name}


def _tool(call: Call, result: Result | None) -> dict[str, Any]:
    part = {"type": DYNAMIC_TOOL, "toolName": call.name, "toolCallId": call.id, "input": json_of(call.arguments)}
    return part | (_output(result) if result else {"state": "input-available"})


def _output(result: Result) -> dict[str, Any]:
    if result.is_error:
        return {"state": "output-error", "errorText": result.text}
    return {"state": "output-available", "output": result.value}
