"""How dialogues were held with Gemini: in camelCase or snake_case, with ids of calls or without."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.provider_formats.dialogues import Called, Picture, Step, Turn, opaque

Item = dict[str, Any]

SNAKE_CASE = {
    "thoughtSignature": "thought_signature",
    "inlineData": "inline_data",
    "fileData": "file_data",
    "mimeType": "mime_type",
    "fileUri": "file_uri",
    "functionCall": "function_call",
    "functionResponse": "function_response",
}


@st.composite
def written(draw: st.DrawFn, dialogue: list[Turn]) -> list[Item]:
    """Return the `contents` of a request."""
    has_ids = draw(st.booleans())
    items: list[Item] = []
    for turn in dialogue:
        question = [*map(_file, turn.pictures), {"text": turn.asked}]
        items.append({"parts": question} | draw(st.sampled_from([{}, {"role": "user"}])))
        for step in turn.steps:
            calls = _calls(draw, step, has_ids)
            items.append({"role": "model", "parts": [*_said(draw, step.thought, step.said), *calls]})
            items.append({"role": "user", "parts": [_response(call, has_ids) for call in step.calls]})
        items.append({"role": "model", "parts": _said(draw, turn.thought, turn.answer)})
    return [_in_snake_case(item) for item in items] if draw(st.booleans()) else items


def _file(picture: Picture) -> Item:
    if picture.url:
        return {"fileData": {"fileUri": picture.url, "mimeType": picture.media_type}}
    return {"inlineData": {"mimeType": picture.media_type, "data": picture.data}}


def _said(draw: st.DrawFn, thought: str, text: str) -> list[Item]:
    thoughts = [{"text": thought, "thought": True}] if thought else []
    signed = draw(st.just({}) | st.fixed_dictionaries({"thoughtSignature": opaque}))
    unknown = draw(st.lists(st.just({"hologram": {"beams": [1, 2]}}), max_size=1))
    return [*thoughts, *([{"text": text, **signed}] if text else []), *unknown]


def _calls(draw: st.DrawFn, step: Step, has_ids: bool) -> list[Item]:
    signed = draw(st.just({}) | st.fixed_dictionaries({"thoughtSignature": opaque}))
    calls = [{"functionCall": {**_id(call, has_ids), "name": call.name, "args": call.arguments}} for call in step.calls]
    return [calls[0] | signed, *calls[1:]]


def _id(call: Called, has_ids: bool) -> Item:
    return {"id": call.id} if has_ids else {}


def _response(call: Called, has_ids: bool) -> Item:
    response = {"error" if call.is_error else "output": call.result}
    return {"functionResponse": {**_id(call, has_ids), "name": call.name, "response": response}}


def _in_snake_case(item: Item) -> Item:
    parts = [{SNAKE_CASE.get(key, key): _fields(value) for key, value in part.items()} for part in item["parts"]]
    return item | {"parts": parts}


def _fields(value: Any) -> Any:
    return {SNAKE_CASE.get(key, key): inner for key, inner in value.items()} if isinstance(value, dict) else value
