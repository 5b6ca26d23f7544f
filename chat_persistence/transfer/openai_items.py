"""How an item of OpenAI's APIs, Chat Completions or Responses, reads as a message."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator

from chat_persistence.models import MessageRole
from chat_persistence.transfer.conversion import ASSISTANT, USER, Shape
from chat_persistence.values import Text, ToolCall

TEXTS = ("text", "input_text", "output_text")
SPOKEN = ("user", "assistant")


def _is_content(given: Any) -> Any:
    if given is None or isinstance(given, str | list):
        return given
    raise ValueError("must be a text, a list of parts, or null")


Content = Annotated[Any, AfterValidator(_is_content)]


class Function(Shape):
    """A function that was called, or a custom tool, whose arguments are its `input`."""

    name: Text
    arguments: Text | None = None
    input: Text | None = None


class Call(Shape):
    """A call in a message of Chat Completions."""

    id: Text
    function: Function | None = None
    custom: Function | None = None


class Item(Shape):
    """A message of Chat Completions, or an item of Responses, most of which have no role."""

    type: Text | None = None
    role: Text | None = None
    content: Content = None
    refusal: Text | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: Text | None = None
    function_call: Function | None = None
    name: Text | None = None
    call_id: Text | None = None
    arguments: Text | None = None
    input: Any = None
    output: Any = None


@dataclass(frozen=True, slots=True)
class Said:
    """An item as a message has it: its side, what a person reads of it, and the calls and results in it."""

    role: MessageRole = ASSISTANT
    content: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)


def read_item(item: Item, original: dict[str, Any]) -> Said:
    """Return the item as a message has it."""
    if item.role in SPOKEN:
        role = USER if item.role == "user" else ASSISTANT
        return Said(role, text_of(item.content) or item.refusal or "", _calls(item))
    if item.role in ("tool", "function"):
        return _result(item.tool_call_id or item.name, original.get("content"))
    if item.type in ("function_call", "custom_tool_call"):
        arguments = item.arguments if item.type == "function_call" else item.input
        return Said(tool_calls=[ToolCall(item.call_id or "", item.name, arguments)])
    if item.type in ("function_call_output", "custom_tool_call_output"):
        return _result(item.call_id, item.output)
    # Instructions, reasoning, and what the provider did on its own side.
    return Said()


def native_of(item: dict[str, Any]) -> dict[str, Any] | None:
    """Return the item, or nothing where a role and a text say all of it."""
    says_all = item.keys() == {"role", "content"} and item["role"] in SPOKEN
    return None if says_all and isinstance(item["content"], str) and item["content"] else item


def text_of(content: Any) -> str:
    """Return what a person reads of a content: its text, or that of its parts, one a line."""
    if isinstance(content, list):
        return "\n".join(filter(None, map(_text_of_part, content)))
    return content if isinstance(content, str) else ""


def _text_of_part(part: Any) -> str:
    if not isinstance(part, dict):
        return part if isinstance(part, str) else ""
    text = part.get("text") if part.get("type") in TEXTS else part.get("refusal")
    return text if isinstance(text, str) else ""


def _calls(item: Item) -> list[ToolCall]:
    calls = [_call(call.id, call.function or call.custom) for call in item.tool_calls or ()]
    if item.function_call is not None:
        # Before there were ids, its result named the function.
        calls.append(_call(item.function_call.name, item.function_call))
    return calls


def _call(id: str, function: Function | None) -> ToolCall:
    if function is None:
        return ToolCall(id, "")
    return ToolCall(id, function.name, function.input if function.arguments is None else function.arguments)


def _result(id: str | None, result: Any) -> Said:
    return Said(tool_calls=[ToolCall(id, result=result)] if id else [])
