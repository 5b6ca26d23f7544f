"""How dialogues were held with OpenAI's Chat Completions."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.unit.provider_formats.dialogues import Called, Picture, Turn, as_text

Item = dict[str, Any]


@st.composite
def written(draw: st.DrawFn, dialogue: list[Turn]) -> list[Item]:
    """Return the `messages` of a request."""
    items: list[Item] = []
    for turn in dialogue:
        items.append({"role": "user", "content": _question(draw, turn)})
        for step in turn.steps:
            thought = {"reasoning_content": step.thought} if step.thought else {}
            calls = [*map(_call, step.calls)]
            items.append({"role": "assistant", "content": step.said or None, "tool_calls": calls, **thought})
            items.extend(_result(call) for call in step.calls)
        extras: Item = draw(st.sampled_from([{}, {"refusal": None, "annotations": []}]))
        items.append({"role": "assistant", "content": turn.answer, **extras})
    return items


def _question(draw: st.DrawFn, turn: Turn) -> str | list[Item]:
    if not turn.pictures and draw(st.booleans()):
        return turn.asked
    return [{"type": "text", "text": turn.asked}, *map(_image, turn.pictures)]


def _image(picture: Picture) -> Item:
    url = picture.url or f"data:{picture.media_type};base64,{picture.data}"
    return {"type": "image_url", "image_url": {"url": url, "detail": "auto"}}


def _call(call: Called) -> Item:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _result(call: Called) -> Item:
    return {"role": "tool", "tool_call_id": call.id, "content": as_text(call.result)}
