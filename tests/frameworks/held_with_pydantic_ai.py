"""How dialogues were held with Pydantic AI, in messages of its own classes."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from typing import Literal

from hypothesis import strategies as st
from pydantic_ai import (
    BinaryContent,
    CachePoint,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    TextContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.messages import ModelMessage, ModelRequestPart, ModelResponsePart, UserContent

from tests.unit.provider_formats.dialogues import Called, Picture, Step, Turn, dialogues, opaque

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def without_lone_surrogates(turn: Turn) -> Turn:
    """Return a turn whose arguments and results pydantic writes: in the keys of objects it refuses lone surrogates."""
    steps = [replace(step, calls=[_unicode(call) for call in step.calls]) for step in turn.steps]
    return replace(turn, steps=steps)


held_dialogues = dialogues().map(lambda turns: [without_lone_surrogates(turn) for turn in turns])


def _unicode(call: Called) -> Called:
    given = json.dumps([call.arguments, call.result], ensure_ascii=False)
    arguments, result = json.loads(LONE_SURROGATE.sub("?", given))
    return replace(call, arguments=arguments, result=result)


@st.composite
def written(draw: st.DrawFn, dialogue: list[Turn]) -> list[ModelMessage]:
    """Return the history of an agent; some tools ran at the provider."""
    messages: list[ModelMessage] = []
    for turn in dialogue:
        messages.append(
            ModelRequest(parts=[_question(draw, turn)], instructions=draw(st.none() | st.just("Be brief.")))
        )
        for step in turn.steps:
            messages += _step(draw, step)
        messages.append(ModelResponse(parts=_said(draw, turn.thought, turn.answer)))
    return messages


def _question(draw: st.DrawFn, turn: Turn) -> UserPromptPart:
    if not turn.pictures and draw(st.booleans()):
        return UserPromptPart(turn.asked)
    text: UserContent = TextContent(turn.asked, metadata={"a": 1}) if draw(st.booleans()) else turn.asked
    return UserPromptPart([*map(_image, turn.pictures), text, *draw(st.lists(st.just(CachePoint()), max_size=1))])


def _image(picture: Picture) -> UserContent:
    if picture.url:
        return ImageUrl(picture.url)
    return BinaryContent(b64decode(picture.data), media_type=picture.media_type)


def _step(draw: st.DrawFn, step: Step) -> list[ModelMessage]:
    said = _said(draw, step.thought, step.said)
    if draw(st.booleans()):
        ran = [part for call in step.calls for part in _ran(call)]
        return [ModelResponse(parts=[*said, *ran])]
    calls = [ToolCallPart(call.name, _arguments(draw, call), call.id) for call in step.calls]
    returns: list[ModelRequestPart] = [_return(draw, call) for call in step.calls]
    at_once = draw(st.booleans())
    requests = [returns] if at_once else [[each] for each in returns]
    return [ModelResponse(parts=[*said, *calls]), *(ModelRequest(parts=parts) for parts in requests)]


def _arguments(draw: st.DrawFn, call: Called) -> str | dict[str, object]:
    return json.dumps(call.arguments) if draw(st.booleans()) else call.arguments


def _ran(call: Called) -> list[ModelResponsePart]:
    ended = NativeToolReturnPart(call.name, call.result, call.id, outcome="failed" if call.is_error else "success")
    return [NativeToolCallPart(call.name, call.arguments, call.id), ended]


def _return(draw: st.DrawFn, call: Called) -> ToolReturnPart:
    failed: Literal["failed", "retried"] = "failed" if draw(st.booleans()) else "retried"
    return ToolReturnPart(call.name, call.result, call.id, outcome=failed if call.is_error else "success")


def _said(draw: st.DrawFn, thought: str, text: str) -> list[ModelResponsePart]:
    provider = draw(st.sampled_from(["anthropic", "openai", "google", "bedrock", None]))
    signature, name = draw(st.none() | opaque), draw(st.sampled_from([None, "rs_1", "redacted_thinking"]))
    thinking = [ThinkingPart(thought, id=name, signature=signature, provider_name=provider)] if thought else []
    return [*thinking, *([TextPart(text)] if text else [])]
