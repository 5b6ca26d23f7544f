"""Rows, as PostgreSQL answers them, made records."""

from collections.abc import Callable, Sequence
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar

from chat_persistence.models import MessageRole
from chat_persistence.text import read_json, unescape
from chat_persistence.values import ConversationRead, MessageRead, ToolCall

Value = TypeVar("Value")

_ROLES = {role.value: role for role in MessageRole}
# A frozen dataclass sets its fields one by one through object.__setattr__: fifty cost 157 us, a third of reading
# them. A twin that is not frozen is filled instead, and becomes the record: their slots are the same.
_MessageDraft = make_dataclass("_MessageDraft", [field.name for field in fields(MessageRead)], slots=True)
_TOOL_CALL_FIELDS = ("id", "name", "arguments", "result", "is_error")


def conversation_from(row: Sequence[Any]) -> ConversationRead:
    """Return the record of a row of `statements.conversations.COLUMNS`."""
    user_id, id_, title, last_position, message_count, created_at, updated_at, archived_at, metadata = row
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
    except (ValueError, TypeError, RecursionError):
        unreadable.append(column)
        return None


def _read_object(text: str) -> dict[str, Any]:
    value = read_json(text)
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value


def _read_tool_calls(text: str) -> list[ToolCall]:
    calls = read_json(text)
    if not isinstance(calls, list):
        raise TypeError("not a JSON array")
    # Only the fields known here, so that a later version may add one.
    return [ToolCall(**{key: item[key] for key in _TOOL_CALL_FIELDS if key in item}) for item in calls]


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
