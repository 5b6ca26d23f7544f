"""An entry of a conversation as the message that is stored of it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from pydantic_ai import (
    DeferredToolRequests,
    ModelResponse,
    SpeechPart,
    TextContent,
    TextPart,
    UserPromptPart,
)
from pydantic_ai.conversation_store import ConversationEntry
from pydantic_ai.messages import ERROR_OUTCOMES

from chat_persistence import ABSENT, InvalidInput, MessageCreate, MessageRole, ToolCall
from chat_persistence.integrations.pydantic_ai.native import REQUESTS, natives_of, requests_json
from chat_persistence.text import is_plain
from chat_persistence.values import MAX_TOKEN_COUNT

_CALLS = ("tool-call", "builtin-tool-call")


def messages_of(
    entries: Sequence[ConversationEntry], requests: DeferredToolRequests | None = None
) -> list[MessageCreate]:
    """Return a message for each entry, of the entry's id; the last one has the tool calls that its run waits for.

    Its `native` is the entry's message; its role, content and tool calls are what a person, and other programs, read of
    it. Raise `InvalidInput` for an entry whose id is not a UUID, or whose message is no JSON.
    """
    natives = natives_of([entry.message for entry in entries])
    if requests is not None:
        natives[-1][REQUESTS] = requests_json(requests)
    return [
        _message_of(entry, native, place) for place, (entry, native) in enumerate(zip(entries, natives, strict=True))
    ]


def _message_of(entry: ConversationEntry, native: dict[str, Any], place: int) -> MessageCreate:
    message_id = _uuid_of(entry.id, f"new_entries[{place}].id")
    message = entry.message
    if isinstance(message, ModelResponse):
        return MessageCreate(
            id=message_id,
            role=MessageRole.ASSISTANT,
            content="\n".join(filter(None, _said_by_model(message))),
            tool_calls=_calls(native),
            native=native,
            metadata=_notes(message),
            token_count=min(max(message.usage.output_tokens, 0), MAX_TOKEN_COUNT) or None,
        )
    prompts = [part for part in message.parts if isinstance(part, UserPromptPart | SpeechPart)]
    return MessageCreate(
        id=message_id,
        role=MessageRole.USER if prompts else MessageRole.ASSISTANT,
        content="\n".join(filter(None, (text for part in prompts for text in _said_by_person(part)))),
        tool_calls=_results(native),
        native=native,
    )


def _uuid_of(id: str, field: str) -> UUID:
    try:
        written = UUID(id)
    except ValueError:
        written = None
    if str(written) != id or written is None:
        raise InvalidInput(field, "must be a UUID, as Python writes it")
    return written


def _said_by_model(response: ModelResponse) -> Iterator[str]:
    return (part.content for part in response.parts if isinstance(part, TextPart | SpeechPart))


def _said_by_person(prompt: UserPromptPart | SpeechPart) -> Iterator[str]:
    items = [prompt.content] if isinstance(prompt.content, str) else prompt.content
    for item in items:
        if isinstance(item, str | TextContent):
            yield item if isinstance(item, str) else item.content


def _calls(native: dict[str, Any]) -> list[ToolCall]:
    """Return the calls of a response, those that the provider ran with their results."""
    returned = {
        part["tool_call_id"]: _result(part)
        for part in native["parts"]
        if part["part_kind"] == "builtin-tool-return" and _is_id(part["tool_call_id"])
    }
    calls = [
        ToolCall(part["tool_call_id"], part["tool_name"], _arguments(part), *_told(returned, part["tool_call_id"]))
        for part in native["parts"]
        if part["part_kind"] in _CALLS and _is_id(part["tool_call_id"]) and is_plain(part["tool_name"])
    ]
    return [*calls, *returned.values()]


def _told(returned: dict[str, ToolCall], id: str) -> tuple[Any, bool]:
    result = returned.pop(id, None)
    return (ABSENT, False) if result is None else (result.result, result.is_error)


def _arguments(call: dict[str, Any]) -> str:
    given = call["args"]
    return given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)


def _results(native: dict[str, Any]) -> list[ToolCall]:
    """Return what came of tools; what a model is told to call once more is an error to it."""
    return [
        _result(part)
        for part in native["parts"]
        if (part["part_kind"] == "tool-return" or (part["part_kind"] == "retry-prompt" and part["tool_name"]))
        and _is_id(part["tool_call_id"])
    ]


def _result(part: dict[str, Any]) -> ToolCall:
    is_error = part.get("outcome", "retried") in ERROR_OUTCOMES
    return ToolCall(part["tool_call_id"], result=_without_data(part["content"]), is_error=is_error)


def _without_data(value: Any) -> Any:
    """Return a result without the data of its files, which `native` has."""
    if isinstance(value, list):
        return [_without_data(item) for item in value]
    if not isinstance(value, dict):
        return value
    is_file = value.get("kind") == "binary"
    return {key: _without_data(item) for key, item in value.items() if not (is_file and key == "data")}


def _is_id(id: str) -> bool:
    # What a tool call of ours cannot be known by is in `native` alone.
    return bool(id) and is_plain(id)


def _notes(response: ModelResponse) -> dict[str, Any] | None:
    notes = {
        "model": response.model_name,
        "provider": response.provider_name,
        "finish_reason": response.finish_reason,
    }
    return {key: value for key, value in notes.items() if value is not None} or None
