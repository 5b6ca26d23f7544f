"""A message as a row of PostgreSQL's binary COPY.

Written here and not by the driver: its records go through the codecs of the connection, which on a host's
engine are the host's. It is also faster than the text format, which the server has to take apart.
"""

from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any

from chat_persistence.errors import InvalidInput
from chat_persistence.load_values import ConversationLoad
from chat_persistence.models import MessageRole
from chat_persistence.options import Options
from chat_persistence.rows import write_tool_call
from chat_persistence.sealed_text import Seal
from chat_persistence.text import escape, to_json
from chat_persistence.validation import check_token_count
from chat_persistence.values import MessageCreate

COLUMNS = (
    "conversation_id",
    "user_id",
    "position",
    "id",
    "created_at",
    "role",
    "content",
    "tool_calls",
    "native",
    "metadata",
    "token_count",
)

# The signature, no flags, no extension.
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_length = Struct("!i").pack
_conversation = Struct("!hi16s").pack
_place = Struct("!iii16siq").pack  # position, id and created_at, each after its length
_integer = Struct("!ii").pack
_NULL = _length(-1)
# The version of the binary format, which is the text after it.
_JSONB = "\x01"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class RowWriter:
    """Writes the rows of one conversation, which `field` names in errors."""

    def __init__(self, conversation: ConversationLoad, field: str, options: Options, seal: Seal | None) -> None:
        self._start = _conversation(len(COLUMNS), 16, conversation.id.bytes) + _text(conversation.user_id)
        self._field = field
        self._limits = options.limits
        self._conversation_id = conversation.id
        self._seal = seal
        self._count_tokens = options.count_tokens

    def write(self, index: int, position: int, message: MessageCreate, created_at: datetime) -> bytes:
        """Return the row of the message at an index; raise `InvalidInput` as an append would."""
        return b"".join(
            (
                self._start,
                _place(4, position, 16, message.id.bytes, 8, (created_at - _EPOCH) // _MICROSECOND),
                _ROLES[message.role],
                self._content(index, message),
                self._tool_calls(index, message),
                self._native(index, message),
                self._metadata(index, message),
                self._token_count(index, message),
            )
        )

    def _content(self, index: int, message: MessageCreate) -> bytes:
        if len(message.content) > self._limits.content_chars:
            reason = f"longer than {self._limits.content_chars} characters"
            raise InvalidInput(self._name(index, "content"), reason)
        return _text(self._sealed(message, "content", escape(message.content)))

    def _tool_calls(self, index: int, message: MessageCreate) -> bytes:
        if not message.tool_calls:
            return _NULL
        written = self._json(index, "tool_calls", [write_tool_call(call) for call in message.tool_calls])
        return _text(_JSONB + self._sealed(message, "tool_calls", written))

    def _native(self, index: int, message: MessageCreate) -> bytes:
        if message.native is None:
            return _NULL
        return _text(self._sealed(message, "native", self._json(index, "native", message.native, binary=False)))

    def _metadata(self, index: int, message: MessageCreate) -> bytes:
        return _NULL if message.metadata is None else _text(_JSONB + self._json(index, "metadata", message.metadata))

    def _json(self, index: int, column: str, value: Any, *, binary: bool = True) -> str:
        return to_json(value, self._name(index, column), self._limits.json_chars, binary=binary)

    def _sealed(self, message: MessageCreate, column: str, text: str) -> str:
        if self._seal is None:
            return text
        return self._seal.seal_column(self._conversation_id, message.id, column, text) or ""

    def _token_count(self, index: int, message: MessageCreate) -> bytes:
        count = message.token_count
        if count is None and self._count_tokens is not None:
            count = check_token_count(self._count_tokens(message), self._name(index, "token_count"))
        return _NULL if count is None else _integer(4, count)

    def _name(self, index: int, column: str) -> str:
        return f"{self._field}.messages[{index}].{column}"


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _length(len(encoded)) + encoded


_ROLES = {role: _text(role.value) for role in MessageRole}
