"""How dialogues were held with Cohere."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.unit.provider_formats.dialogues import Called, Picture, Turn, as_text

Item = dict[str, Any]

CITATION = {
    "start": 0,
    "end": 4,
    "text": "blue",
    "sources": [{"type": "tool", "id": "search:0", "tool_output": {"sky": "blue"}}],
    "type": "TEXT_CONTENT",
}


@st.composite
def written(draw: st.DrawFn, dialogue: list[Turn]) -> list[Item]:
    """Return the `messages` of a request."""
    items: list[Item] = []
    for turn in dialogue:
        items.append({"role": "user", "content": _question(draw, turn)})
        for step in turn.steps:
            plan = {"tool_plan": step.said} if step.said else {}
            thinking = {"content": [_thinking(step.thought)]} if step.thought else {}
            items.append({"role": "assistant", **plan, **thinking, "tool_calls": [*map(_call, step.calls)]})
            items.extend(_result(draw, call) for call in step.calls)
        items.append({"role": "assistant", **_answer(draw, turn)})
    return items


def _question(draw: st.DrawFn, turn: Turn) -> str | list[Item]:
    if not turn.pictures and draw(st.booleans()):
        return turn.asked
    return [{"type": "text", "text": turn.asked}, *map(_image, turn.pictures)]


def _image(picture: Picture) -> Item:
    url = picture.url or f"data:{picture.media_type};base64,{picture.data}"
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


def _thinking(thought: str) -> Item:
    return {"type": "thinking", "thinking": thought}


def _call(call: Called) -> Item:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _result(draw: st.DrawFn, call: Called) -> Item:
    content: str | list[Item] = as_text(call.result)
    if isinstance(call.result, dict) and draw(st.booleans()):
        content = [{"type": "document", "document": {"id": f"{call.id}:0", "data": call.result}}]
    return {"role": "tool", "tool_call_id": call.id, "content": content}


def _answer(draw: st.DrawFn, turn: Turn) -> Item:
    thinking = [_thinking(turn.thought)] if turn.thought else []
    if not thinking and draw(st.booleans()):
        return {"content": turn.answer}
    content = {"content": [*thinking, {"type": "text", "text": turn.answer}]}
    return content | draw(st.sampled_from([{}, {"citations": [CITATION]}]))
