"""OpenAI's Chat Completions: messages of a role, a content, and calls of functions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator

from chat_persistence.provider_formats.parts import Call, Part, Reasoning, Refusal, Result, Speaker, Text
from chat_persistence.provider_formats.reading.format import Format
from chat_persistence.provider_formats.reading.openai_content import parts_of, result_of
from chat_persistence.provider_formats.reading.part_types import OPENAI_CHAT, may_be_content_of
from chat_persistence.provider_formats.shapes import CallId, Content, Shape
from chat_persistence.values import MessageCreate, PlainText
from chat_persistence.values import Text as StrictText

ROLES: dict[str, Speaker] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}

FOREIGN_KEYS = {"type", "parts", "status", "phase", "tool_plan", "citations"}
"""What messages of the other formats have; an answer of Anthropic's and an item of Responses have a type."""

REASONING_KEYS = ("reasoning_content", "reasoning")
"""Where providers that speak OpenAI's format put what their models think."""


def _known(role: str) -> str:
    if role not in ROLES:
        raise ValueError("must be " + ", ".join(ROLES))
    return role


class _Function(Shape):
    """A function that was called, or a custom tool, whose arguments are its `input`."""

    name: PlainText
    arguments: StrictText | None = None
    input: StrictText | None = None


class _Call(Shape):
    id: CallId
    function: _Function | None = None
    custom: _Function | None = None


class _FunctionCall(Shape):
    # Before there were ids, a result named the function.
    name: CallId
    arguments: StrictText = ""


class ChatMessage(Shape):
    """A message of Chat Completions."""

    role: Annotated[StrictText, AfterValidator(_known)]
    content: Content = None
    refusal: StrictText | None = None
    audio: Any = None
    tool_calls: list[_Call] | None = None
    function_call: _FunctionCall | None = None
    tool_call_id: CallId | None = None
    name: PlainText | None = None
    reasoning_content: Any = None
    reasoning: Any = None


def from_openai_chat(items: Sequence[Mapping[str, object]]) -> list[MessageCreate]:
    """Return a message for each message of Chat Completions, of a request's `messages` or of an answer.

    What OpenAI's SDK returns is given as JSON, by its `model_dump(mode="json", exclude_unset=True)`. Instructions
    (`system`, `developer`) and results of tools have no content: they are not for a person. Raise `InvalidInput`
    naming the place, as `items[3].role`, of what has not this shape.
    """
    return FORMAT.messages(items)


def _may_be(item: Mapping[str, Any]) -> bool:
    return not FOREIGN_KEYS & item.keys() and may_be_content_of(OPENAI_CHAT, item.get("content"))


def _read(message: ChatMessage) -> tuple[Speaker, Iterable[Part]]:
    speaker = ROLES.get(message.role)
    if speaker is None:
        return "assistant", []
    if speaker == "tool":
        return speaker, _result(message)
    return speaker, [*_reasoning(message), *_said(message), *_calls(message)]


FORMAT = Format(OPENAI_CHAT, ChatMessage, _may_be, _read)


def _result(message: ChatMessage) -> list[Result]:
    answered = message.tool_call_id or message.name
    return [result_of(answered, message.content, name=message.name)] if answered else []


def _reasoning(message: ChatMessage) -> Iterator[Reasoning]:
    thought = message.reasoning_content or message.reasoning
    if message.role == "assistant" and isinstance(thought, str) and thought:
        yield Reasoning(thought)


def _said(message: ChatMessage) -> list[Part]:
    parts: list[Part] = list(parts_of(message.content))
    if parts:
        return parts
    if message.refusal:
        return [Refusal(message.refusal)]
    transcript = message.audio.get("transcript") if isinstance(message.audio, dict) else None
    return [Text(transcript)] if isinstance(transcript, str) and transcript else []


def _calls(message: ChatMessage) -> Iterator[Call]:
    for call in message.tool_calls or ():
        called = call.function or call.custom
        if called:
            given = called.input if called.arguments is None else called.arguments
            yield Call(call.id, called.name, given or "")
    if message.function_call:
        yield Call(message.function_call.name, message.function_call.name, message.function_call.arguments)
