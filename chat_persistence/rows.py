"""Rows, as PostgreSQL answers them, made records."""

from collections.abc import Callable, Sequence
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar

from chat_persistence.models import MessageRole
from chat_persistence.text import is_plain, read_json, unescape
from chat_persistence.values import ABSENT, ConversationRead, MessageRead, ToolCall

Value = TypeVar("Value")

_ROLES = {role.value: role for role in MessageRole}
# A frozen dataclass sets its fields one by one through object.__setattr__: fifty cost 157 us, a third of reading
# them. A twin that is not frozen is filled instead, and becomes the record: their slots are the same.
_MessageDraft = make_dataclass("_MessageDraft", [field.name for field in fields(MessageRead)], slots=True)
_TOOL_CALL_FIELDS = [field.name for field in fields(ToolCall)]
# The same for a tool call, which pydantic would validate: that takes three times as long as reading its JSON.
_ToolCallDraft = make_dataclass("_ToolCallDraft", _TOOL_CALL_FIELDS, slots=True)


def conversation_from(row: Sequence[Any]) -> ConversationRead:
    """Return the record of a row of `statements.conversations.COLUMNS`."""
    (
        user_id,
        id_,
        title,
        last_position,
        message_count,
        created_at,
        updated_at,
        archived_at,
        metadata,
        forked_from,
        forked_position,
    ) = row
    unreadable: list[str] = []
    return ConversationRead(
        user_id,
        id_,
        title,
        last_position,
        message_count,
        created_at,
        updated_at,
        archived_at,
        _read("metadata", metadata, _read_object, unreadable) or {},
        forked_from,
        forked_position,
        tuple(unreadable),
    )


def message_from(row: Sequence[Any]) -> MessageRead:
    """Return the record of a row of `statements.messages.COLUMNS`.

    A column that was poisoned by hand costs that column only: the history stays readable.
    """
    conversation_id, user_id, position, id_, role, content, calls, native, metadata, tokens, created_at = row
    unreadable: list[str] = []
    draft: Any = _MessageDraft(
        conversation_id,
        user_id,
        position,
        id_,
        _ROLES[role],
        unescape(content),
        [] if calls is None else _read("tool_calls", calls, _read_tool_calls, unreadable) or [],
        None if native is None else _read("native", native, read_json, unreadable),
        None if metadata is None else _read("metadata", metadata, _read_object, unreadable),
        tokens,
        created_at,
        tuple(unreadable),
    )
    draft.__class__ = MessageRead
    record: MessageRead = draft
    return record


def _read(column: str, text: str, read: Callable[[str], Value], unreadable: list[str]) -> Value | None:
    try:
        return read(text)
    except (ValueError, TypeError, AttributeError, RecursionError):
        unreadable.append(column)
        return None


def _read_object(text: str) -> dict[str, Any]:
    value = read_json(text)
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value


def _read_tool_calls(text: str) -> list[ToolCall]:
    items = read_json(text)
    if not isinstance(items, list):
        raise TypeError("not a JSON array")
    return [_tool_call_from(item) for item in items]


def _tool_call_from(item: dict[str, Any]) -> ToolCall:
    # Only the fields known here, so that a later version may add one.
    id_, name, arguments, is_error = (
        item.get("id"),
        item.get("name"),
        item.get("arguments"),
        item.get("is_error", False),
    )
    if not (id_ and _is_plain(id_) and (name is None or _is_plain(name))):
        raise TypeError("a tool call without its identity")
    if not (arguments is None or type(arguments) is str) or type(is_error) is not bool:
        raise TypeError("a tool call of other types")
    draft: Any = _ToolCallDraft(id_, name, arguments, item.get("result", ABSENT), is_error)
    draft.__class__ = ToolCall
    record: ToolCall = draft
    return record


def _is_plain(value: object) -> bool:
    return type(value) is str and is_plain(value)


def write_tool_call(call: ToolCall) -> dict[str, Any]:
    """Return the JSON object that `message_from` reads back as `call`: only what was said."""
    written: dict[str, Any] = {"id": call.id}
    if call.name is not None:
        written["name"] = call.name
    if call.arguments is not None:
        written["arguments"] = call.arguments
    if call.has_result:
        written["result"] = call.result
    if call.is_error:
        written["is_error"] = True
    return written
