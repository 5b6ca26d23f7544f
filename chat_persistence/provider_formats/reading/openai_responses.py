"""OpenAI's Responses: items that are messages, calls and their outputs, reasoning, or what OpenAI does on its side."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import model_validator

from chat_persistence.provider_formats.parts import Call, Media, Part, Reasoning, Result, Speaker
from chat_persistence.provider_formats.reading.format import Format
from chat_persistence.provider_formats.reading.openai_content import parts_of, result_of
from chat_persistence.provider_formats.reading.part_types import FORMATS_OF, OPENAI_RESPONSES, may_be_content_of
from chat_persistence.provider_formats.shapes import CallId, Content, Shape
from chat_persistence.values import MessageCreate, PlainText
from chat_persistence.values import Text as StrictText

PROVIDER = "openai"

CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""What the host's own tools are called by, and where the arguments are."""

HOSTED_CALLS = {
    "computer_call": ("action", "actions"),
    "local_shell_call": ("action",),
    "shell_call": ("action",),
    "apply_patch_call": ("operation",),
}
"""Tools that are OpenAI's and run at the host: what is asked of them."""

OUTPUTS = {f"{call}_output" for call in (*CALLS, *HOSTED_CALLS)}

REMOTE_CALLS = {
    "mcp_call": ("arguments", ("error", "output")),
    "code_interpreter_call": ("code", ("outputs",)),
    "file_search_call": ("queries", ("results",)),
}
"""Tools that run at OpenAI: what was asked, and where their results are."""

SHARED_TYPES = {"compaction"}
"""Items of Responses and parts of Anthropic's messages, too."""

FOREIGN_KEYS = {
    *("tool_calls", "tool_call_id", "function_call", "refusal", "audio", "annotations", "name", "weight"),
    *("reasoning_content", "reasoning", "reasoning_details", "tool_plan", "parts", "stop_reason"),
}
"""What messages of the other formats have."""

FOREIGN_TYPES = {
    *("ai", "human", "system", "tool", "function", "chat", "remove"),
    *("content_block_delta", "content_block_start", "content_block_stop", "error", "ping"),
    *("message_delta", "message_start", "message_stop"),
}
"""LangChain's messages and the events of Anthropic's streams, which have a type as well."""

_TYPE = re.compile("[a-z]+(_[a-z0-9]+)*")


class ResponsesItem(Shape):
    """An item of Responses: a message, whose type may be left out, or what its type says."""

    type: StrictText | None = None
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Content = None
    id: PlainText | None = None
    call_id: CallId | None = None
    name: PlainText | None = None
    arguments: Any = None
    input: Any = None
    action: Any = None
    actions: Any = None
    operation: Any = None
    code: Any = None
    queries: Any = None
    output: Any = None
    outputs: Any = None
    results: Any = None
    result: Any = None
    error: Any = None
    status: Any = None
    summary: Any = None
    encrypted_content: Any = None
    output_format: Any = None

    @model_validator(mode="after")
    def _is_an_item(self) -> Self:
        if self.role is None and self.type in (None, "message") and self.id is None:
            raise ValueError("must have a role, or a type")
        return self


def from_openai_responses(items: Sequence[Mapping[str, object]]) -> list[MessageCreate]:
    """Return a message for each item of Responses, of a request's `input` or of a response's `output`.

    What OpenAI's SDK returns is given as JSON, by its `model_dump(mode="json", exclude_unset=True)`. Content have the
    messages of the person and of the model; instructions, calls and results, and reasoning are not for a person. Raise
    `InvalidInput` naming the place, as `items[3].role`, of what has not this shape.
    """
    return FORMAT.messages(items)


def _may_be(item: Mapping[str, Any]) -> bool:
    kind = item.get("type")
    if kind in (None, "message"):
        is_message = "role" in item and isinstance(item.get("content"), str | list) and not FOREIGN_KEYS & item.keys()
        return (is_message and may_be_content_of(OPENAI_RESPONSES, item["content"])) or item.keys() <= {"id", "type"}
    is_type = isinstance(kind, str) and _TYPE.fullmatch(kind) is not None
    return is_type and (kind in SHARED_TYPES or kind not in FORMATS_OF) and kind not in FOREIGN_TYPES


def _read(item: ResponsesItem) -> tuple[Speaker, Iterable[Part]]:
    if item.type in (None, "message"):
        return item.role or "assistant", parts_of(item.content)
    if item.type in OUTPUTS:
        return "tool", _result(item)
    return "assistant", _done(item)


FORMAT = Format(OPENAI_RESPONSES, ResponsesItem, _may_be, _read)


def _done(item: ResponsesItem) -> Iterator[Part]:
    kind = item.type or ""
    if kind == "reasoning":
        yield _reasoning(item)
    elif kind in CALLS and item.call_id:
        yield Call(item.call_id, item.name or "", _written(getattr(item, CALLS[kind])))
    elif kind in HOSTED_CALLS and item.call_id:
        asked = [given for key in HOSTED_CALLS[kind] if (given := getattr(item, key)) is not None]
        yield Call(item.call_id, kind.removesuffix("_call"), _written(asked[0] if asked else {}))
    elif kind in REMOTE_CALLS and item.id:
        yield from _remote_call(item, kind, item.id)
    elif kind == "image_generation_call" and isinstance(item.result, str) and item.result:
        yield Media("image", data=item.result, media_type=f"image/{item.output_format or 'png'}")


def _reasoning(item: ResponsesItem) -> Reasoning:
    texts = [
        part["text"]
        for parts in (item.summary, item.content)
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    ]
    signature = item.encrypted_content if isinstance(item.encrypted_content, str) else None
    return Reasoning("\n".join(texts), signature, PROVIDER, item.id)


def _remote_call(item: ResponsesItem, kind: str, called: str) -> Iterator[Part]:
    """Yield a call and its result; what OpenAI keeps to itself is no call that others could take an answer to."""
    asked, places = REMOTE_CALLS[kind]
    for place in places:
        if (value := getattr(item, place)) is not None:
            given = getattr(item, asked)
            yield Call(called, item.name or kind.removesuffix("_call"), _asked(asked, given))
            yield result_of(called, value, is_error=place == "error")
            return


def _asked(name: str, given: Any) -> str:
    return _written(given) if name == "arguments" else _written({name: given})


def _result(item: ResponsesItem) -> Iterator[Result]:
    answered = item.call_id or item.id
    if answered:
        yield result_of(answered, item.output, is_error=item.status == "failed")


def _written(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
