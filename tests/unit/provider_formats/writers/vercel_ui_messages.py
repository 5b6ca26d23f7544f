"""Dialogues as an application with Vercel's AI SDK held them."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.provider_formats.dialogues import Called, Picture, Turn, as_text, opaque

Item = dict[str, Any]

ASIDES: list[Item] = [
    {"type": "source-url", "sourceId": "s1", "url": "https://example.org", "title": "An example"},
    {"type": "source-document", "sourceId": "s2", "mediaType": "application/pdf", "title": "A paper"},
    {"type": "data-weather", "id": "w1", "data": {"city": "Rome", "degrees": 31}},
    {"type": "hologram", "beams": [1, 2]},
]


@st.composite
def written(draw: st.DrawFn, dialogue: list[Turn]) -> list[Item]:
    """Return the `messages` of `useChat`."""
    items: list[Item] = []
    for number, turn in enumerate(dialogue):
        question = [{"type": "text", "text": turn.asked}, *map(_file, turn.pictures)]
        items.append({"id": f"question-{number}", "role": "user", "parts": question})
        metadata = draw(st.sampled_from([{}, {"metadata": {"model": "gpt-5", "totalTokens": 17}}]))
        items.append({"id": f"answer-{number}", "role": "assistant", **metadata, "parts": _answer(draw, turn)})
    return items


def _file(picture: Picture) -> Item:
    url = picture.url or f"data:{picture.media_type};base64,{picture.data}"
    return {"type": "file", "mediaType": picture.media_type, "url": url, "filename": "picture.png"}


def _answer(draw: st.DrawFn, turn: Turn) -> list[Item]:
    parts: list[Item] = []
    for step in turn.steps:
        tools = [_tool(draw, call) for call in step.calls]
        parts += [{"type": "step-start"}, *_said(draw, step.thought, step.said), *tools]
    return [*parts, {"type": "step-start"}, *_said(draw, turn.thought, turn.answer)]


def _said(draw: st.DrawFn, thought: str, text: str) -> list[Item]:
    metadata = draw(st.just({}) | st.builds(_signature, opaque))
    reasoning = [{"type": "reasoning", "text": thought, "state": "done", **metadata}] if thought else []
    asides = draw(st.lists(st.sampled_from(ASIDES), max_size=1))
    return [*reasoning, *asides, *([{"type": "text", "text": text, "state": "done"}] if text else [])]


def _signature(signature: str) -> Item:
    return {"providerMetadata": {"anthropic": {"signature": signature}}}


def _tool(draw: st.DrawFn, call: Called) -> Item:
    kind = draw(st.sampled_from([{"type": f"tool-{call.name}"}, {"type": "dynamic-tool", "toolName": call.name}]))
    part = {**kind, "toolCallId": call.id, "input": call.arguments}
    if call.is_error:
        return part | {"state": "output-error", "errorText": as_text(call.result)}
    return part | {"state": "output-available", "output": call.result}
