"""How dialogues were held with OpenAI's Responses."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.unit.provider_formats.dialogues import Called, Picture, Turn, as_text, opaque

Item = dict[str, Any]


@st.composite
def written(draw: st.DrawFn, dialogue: list[Turn]) -> list[Item]:
    """Return the `input` of a request."""
    items: list[Item] = []
    for turn in dialogue:
        items.append(_question(draw, turn))
        for step in turn.steps:
            items += [*_reasoning(draw, step.thought), *([_message(draw, step.said)] if step.said else [])]
            items += [*map(_call, step.calls), *map(_output, step.calls)]
        items += [*_reasoning(draw, turn.thought), _message(draw, turn.answer)]
    return items


def _question(draw: st.DrawFn, turn: Turn) -> Item:
    if not turn.pictures and draw(st.booleans()):
        return {"role": "user", "content": turn.asked}
    content = [{"type": "input_text", "text": turn.asked}, *map(_image, turn.pictures)]
    return {"role": "user", "content": content} | draw(st.sampled_from([{}, {"type": "message"}]))


def _image(picture: Picture) -> Item:
    url = picture.url or f"data:{picture.media_type};base64,{picture.data}"
    return {"type": "input_image", "image_url": url, "detail": "auto"}


def _reasoning(draw: st.DrawFn, thought: str) -> list[Item]:
    if not thought:
        return []
    encrypted = draw(st.none() | opaque)
    summary = [{"type": "summary_text", "text": thought}]
    return [{"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": encrypted}]


def _message(draw: st.DrawFn, text: str) -> Item:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    status = draw(st.sampled_from(["completed", "incomplete"]))
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": content}


def _call(call: Called) -> Item:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"type": "function_call", "id": "fc_1", "call_id": call.id, "name": call.name, "arguments": arguments}


def _output(call: Called) -> Item:
    return {"type": "function_call_output", "call_id": call.id, "output": as_text(call.result)}
