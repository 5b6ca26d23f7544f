"""The messages of one append, as the arrays of its statement, and what was stored held against them."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from chat_persistence.errors import InvalidInput, MessageConflict
from chat_persistence.limits import Limits
from chat_persistence.options import Options
from chat_persistence.rows import write_tool_call
from chat_persistence.sealed_text import SEALED_COLUMNS, Seal
from chat_persistence.text import escape, to_json
from chat_persistence.titles import title_of
from chat_persistence.validation import MAX_LIMIT, check_token_count
from chat_persistence.values import MessageCreate, MessageRead

MAX_CHARS = 100_000_000
"""Of all texts of one append: PostgreSQL takes no more than a gigabyte at once, nor any time limit."""

_TEXTS = ("content_array", "tool_calls_array", "native_array", "notes_array")


class Batch:
    """One to 1,000 messages with ids of their own, not too long together; anything else is `InvalidInput`."""

    def __init__(self, conversation_id: UUID, messages: Sequence[MessageCreate], options: Options) -> None:
        limits = options.limits
        if not 1 <= len(messages) <= MAX_LIMIT:
            raise InvalidInput("messages", f"must be 1 to {MAX_LIMIT}")
        for index, message in enumerate(messages):
            _check_message(message, index, limits)
        # Not the UUIDs themselves, whose hash is Python.
        if len({message.id.int for message in messages}) < len(messages):
            raise InvalidInput("messages", "the same id twice")
        self._may_be_too_long = len(messages) * limits.message_chars > MAX_CHARS
        if self._may_be_too_long:
            _check_together(message.content for message in messages)
        self._conversation_id = conversation_id
        self._messages = messages
        self._limits = limits
        self._count_tokens = options.count_tokens

    def arguments(self) -> dict[str, Any]:
        """Return the bound values of `statements.appending`."""
        messages = self._messages
        arguments: dict[str, Any] = {
            "how_many": len(messages),
            "heading": title_of(messages),
            "id_array": [message.id.hex for message in messages],
            "role_array": [message.role.value for message in messages],
            "content_array": [escape(message.content) for message in messages],
            "tool_calls_array": [self._tool_calls(index, message) for index, message in enumerate(messages)],
            "native_array": [self._json(index, "native", message.native) for index, message in enumerate(messages)],
            "notes_array": [self._json(index, "metadata", message.metadata) for index, message in enumerate(messages)],
            "token_count_array": [self._token_count(index, message) for index, message in enumerate(messages)],
        }
        if self._may_be_too_long:
            _check_together(text for name in _TEXTS for text in arguments[name] if text is not None)
        return arguments

    def sealed(self, arguments: dict[str, Any], seal: Seal) -> dict[str, Any]:
        """Return the bound values of the sealed kinds of `statements.appending`; no title is cut from them."""
        places = [(self._conversation_id, message.id) for message in self._messages]

        def sealed(column: str) -> list[str | None]:
            texts = arguments[f"{column}_array"]
            return [seal.seal_column(*place, column, text) for place, text in zip(places, texts, strict=True)]

        arrays = {f"{column}_array": sealed(column) for column in SEALED_COLUMNS}
        return {**arguments, **arrays, "heading": None, "key_id": seal.key_id}

    def stored(self, rows: Sequence[MessageRead]) -> list[MessageRead]:
        """Return the stored messages in the order of the batch, or raise `MessageConflict`."""
        if len(rows) == len(self._messages) and all(map(self._is_same, self._messages, rows)):
            return list(rows)
        by_id = {message.id: message for message in rows}
        differing = [
            sent.id for sent in self._messages if sent.id not in by_id or not self._is_same(sent, by_id[sent.id])
        ]
        if differing:
            raise MessageConflict(self._conversation_id, tuple(differing))
        return [by_id[sent.id] for sent in self._messages]

    def _is_same(self, sent: MessageCreate, stored: MessageRead) -> bool:
        # Compared here, not in SQL: the answer is here already, and `json` has no equality there.
        return (
            stored.id == sent.id
            and stored.conversation_id == self._conversation_id
            and stored.role is sent.role
            and stored.content == sent.content
            and stored.tool_calls == sent.tool_calls
            and stored.native == sent.native
        )

    def _tool_calls(self, index: int, message: MessageCreate) -> str | None:
        calls = [write_tool_call(call) for call in message.tool_calls]
        return self._json(index, "tool_calls", calls or None)

    def _token_count(self, index: int, message: MessageCreate) -> str | None:
        count = message.token_count
        if count is None and self._count_tokens is not None:
            count = check_token_count(self._count_tokens(message), f"messages[{index}].token_count")
        return None if count is None else str(count)

    def _json(self, index: int, column: str, value: Any) -> str | None:
        if value is None:
            return None
        field = f"messages[{index}].{column}"
        return to_json(value, field, self._limits.json_chars, binary=column != "native")


def _check_together(texts: Iterable[str]) -> None:
    if sum(map(len, texts)) > MAX_CHARS:
        raise InvalidInput("messages", f"longer than {MAX_CHARS} characters together")


def _check_message(message: MessageCreate, index: int, limits: Limits) -> None:
    if not isinstance(message, MessageCreate):
        raise InvalidInput(f"messages[{index}]", "must be a MessageCreate")
    if len(message.content) > limits.content_chars:
        raise InvalidInput(f"messages[{index}].content", f"longer than {limits.content_chars} characters")
