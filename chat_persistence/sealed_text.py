"""Text as it is stored when it is encrypted, told apart from all other text, and bound to its place.

    U+FDD0 "sealed1:" base64(8 bytes that name the user's key | nonce | ciphertext | tag)

No escaped text has an `s` after U+FDD0, so nothing that is stored as it is looks like that. The tag also covers the
owner, the conversation, the message and the column: in another place, the same text cannot be opened.
"""

import binascii
from binascii import a2b_base64, b2a_base64
from uuid import UUID

from chat_persistence.aes_gcm import NotAuthentic, name_of
from chat_persistence.key_ring import KEY_ID_BYTES, DataKey
from chat_persistence.text import ESCAPE

MARK = f"{ESCAPE}sealed1:"
JSON_MARK = f'"{MARK}'

SEALED_COLUMNS = ("content", "tool_calls", "native")
"""Of a message; the rest says who, when and how much."""

_PURPOSE = b"chat_persistence sealed text 1"
_UUID = (16).to_bytes(4, "big")
_COLUMNS = {column: name_of(column.encode()) for column in SEALED_COLUMNS}


def is_sealed(text: str) -> bool:
    """Whether a column's text, or its JSON's text, is encrypted."""
    return text.startswith((MARK, JSON_MARK))


class OtherKey(Exception):
    """What was sealed with another key of this user."""


class Seal:
    """One user's key at work. It knows the columns by their names."""

    __slots__ = ("_cipher", "_id", "_owner")

    def __init__(self, user_id: str, key: DataKey) -> None:
        self._id = key.id
        self._cipher = key.cipher
        self._owner = name_of(_PURPOSE, user_id.encode())

    @property
    def key_id(self) -> bytes:
        """Which of the user's keys it uses."""
        return self._id

    def seal_column(self, conversation_id: UUID, message_id: UUID, column: str, text: str | None) -> str | None:
        """Return a column encrypted as it is stored: nothing stays nothing, and JSON is a string instead.

        What is JSON is known by the column's name: it is not called content.
        """
        if not text:
            return text
        sealed = self._cipher.seal(text.encode(), self._name(conversation_id, message_id, column))
        written = MARK + b2a_base64(self._id + sealed, newline=False).decode("ascii")
        return written if column.endswith("content") else f'"{written}"'

    def open(self, conversation_id: UUID, message_id: UUID, column: str, text: str) -> str:
        """Return what was sealed for this place; raise `NotAuthentic`, or `OtherKey` when it names another key."""
        sealed = _decoded(text)
        if sealed[:KEY_ID_BYTES] != self._id:
            raise OtherKey
        return self._cipher.open(sealed[KEY_ID_BYTES:], self._name(conversation_id, message_id, column)).decode()

    def _name(self, conversation_id: UUID, message_id: UUID, column: str) -> bytes:
        # As `name_of` would, of parts whose lengths are known: it takes most of the time of opening a short text.
        name = _COLUMNS.get(column) or name_of(column.encode())
        return b"".join((self._owner, _UUID, conversation_id.bytes, _UUID, message_id.bytes, name))


def _decoded(text: str) -> bytes:
    written = text[len(JSON_MARK) : -1] if text.startswith('"') else text[len(MARK) :]
    try:
        return a2b_base64(written, strict_mode=True)
    except (binascii.Error, ValueError):
        raise NotAuthentic from None
