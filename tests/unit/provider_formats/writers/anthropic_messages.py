"""How dialogues were held with Anthropic."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.provider_formats.dialogues import Picture, Step, Turn, as_text, opaque

Item = dict[str, Any]

CITATION = {
    "type": "char_location",
    "cited_text": "blue",
    "document_index": 0,
    "document_title": None,
    "start_char_index": 0,
    "end_char_index": 4,
}


@st.composite
def written(draw: st.DrawFn, dialogue: list[Turn]) -> list[Item]:
    """Return the `messages` of a request."""
    items: list[Item] = []
    for turn in dialogue:
        items.append(_question(draw, turn))
        for step in turn.steps:
            items.append({"role": "assistant", "content": [*_said(draw, step.thought, step.said), *_calls(step)]})
            items.append({"role": "user", "content": _results(draw, step)})
        items.append({"role": "assistant", "content": _said(draw, turn.thought, turn.answer)})
    return items


def _question(draw: st.DrawFn, turn: Turn) -> Item:
    if not turn.pictures and draw(st.booleans()):
        return {"role": "user", "content": turn.asked}
    cached = draw(st.sampled_from([{}, {"cache_control": {"type": "ephemeral"}}]))
    text = {"type": "text", "text": turn.asked, **cached}
    return {"role": "user", "content": [*map(_image, turn.pictures), text]}


def _image(picture: Picture) -> Item:
    if picture.url:
        return {"type": "image", "source": {"type": "url", "url": picture.url}}
    return {"type": "image", "source": {"type": "base64", "media_type": picture.media_type, "data": picture.data}}


def _said(draw: st.DrawFn, thought: str, text: str) -> list[Item]:
    thinking = [{"type": "thinking", "thinking": thought, "signature": draw(opaque)}] if thought else []
    redacted = draw(st.lists(st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": opaque}), max_size=1))
    cited: Item = draw(st.sampled_from([{}, {"citations": None}, {"citations": [CITATION]}]))
    said = [{"type": "text", "text": text, **cited}] if text else []
    # Beside parts that are in several formats, one that is in none would be anybody's.
    unknown = [{"type": "hologram", "beams": [1, 2]}] if redacted else []
    return [*thinking, *redacted, *said, *unknown]


def _calls(step: Step) -> list[Item]:
    return [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in step.calls]


def _results(draw: st.DrawFn, step: Step) -> list[Item]:
    return [
        {
            "type": "tool_result",
            "tool_use_id": call.id,
            "content": _content(draw, as_text(call.result)),
            "is_error": call.is_error,
        }
        for call in step.calls
    ]


def _content(draw: st.DrawFn, text: str) -> str | list[Item]:
    return [{"type": "text", "text": text}] if text.strip() and draw(st.booleans()) else text
