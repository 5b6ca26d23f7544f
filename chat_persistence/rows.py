"""Rows, as PostgreSQL answers them, made records."""

from collections.abc import Callable, Sequence
from dataclasses import fields, make_dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from chat_persistence.errors import EncryptionKeyMissing
from chat_persistence.models import MessageRole
from chat_persistence.sealed_text import is_sealed
from chat_persistence.text import ESCAPE, is_plain, read_json, unescape
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


class ColumnOpener(Protocol):
    """What decrypts the columns of messages."""

    def open(self, conversation_id: UUID, message_id: UUID, column: str, text: str) -> str:
        """Return what a column says, encrypted or not; raise `ValueError` when it cannot be trusted."""


def message_from(row: Sequence[Any], opener: ColumnOpener | None = None) -> MessageRead:
    """Return the record of a row of `statements.messages.COLUMNS`.

    A column that was poisoned by hand costs that column only: the history stays readable. Without an `opener`, one
    that is encrypted raises `EncryptionKeyMissing`.
    """
    conversation_id, user_id, position, id_, role, content, calls, native, metadata, tokens, created_at = row
    unreadable: list[str] = []
    if opener is not None:
        place = conversation_id, id_
        content = _opened(opener, place, "content", content, unreadable) if content else ""
        calls = None if calls is None else _opened(opener, place, "tool_calls", calls, unreadable)
        native = None if native is None else _opened(opener, place, "native", native, unreadable)
    draft: Any = _MessageDraft(
        conversation_id,
        user_id,
        position,
        id_,
        _ROLES[role],
        _read_content(content) if content else "",
        [] if calls is None else _read("tool_calls", calls, _read_tool_calls, unreadable) or [],
        None if native is None else _read("native", native, _read_native, unreadable),
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


def _opened(
    opener: ColumnOpener, place: tuple[UUID, UUID], column: str, text: str, unreadable: list[str]
) -> str | None:
    try:
        return opener.open(*place, column, text)
    except ValueError:
        unreadable.append(column)
        return None


def _read_content(text: str) -> str:
    if ESCAPE not in text:
        return text
    refuse_sealed(text)
    return unescape(text)


def _read_native(text: str) -> Any:
    value = read_json(text)
    if type(value) is str:
        refuse_sealed(text)
    return value


def refuse_sealed(text: str) -> None:
    """Raise `EncryptionKeyMissing` for what only a store with encryption can read."""
    if is_sealed(text):
        raise EncryptionKeyMissing


def _read_object(text: str) -> dict[str, Any]:
    value = read_json(text)
    if not isinstance(value, dict):
        raise TypeError("not a JSON object")
    return value


def _read_tool_calls(text: str) -> list[ToolCall]:
    items = read_json(text)
    if not isinstance(items, list):
        refuse_sealed(text)
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
