"""Keys that wrap keys: a user's own is stored only as it is wrapped by a master key."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from chat_persistence.aes_gcm import KEY_BYTES, Cipher, NotAuthentic, name_of, new_key
from chat_persistence.errors import ConfigurationError, EncryptionKeyMissing
from chat_persistence.text import is_plain

KEY_ID_BYTES = 8
"""Enough to tell a user's keys of all times apart; they authenticate nothing."""
MAX_MASTER_KEY_ID_CHARS = 63

_PURPOSE = b"chat_persistence user key 1"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A user's key as it is stored: useless without the master key of that name.

    `wrapped` begins with the 8 bytes that name the key, and stay when it is wrapped anew.
    """

    master_key_id: str
    wrapped: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """Which of the user's keys it is."""
        return self.wrapped[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class DataKey:
    """A user's key, to be used."""

    id: bytes
    cipher: Cipher = field(repr=False)


class KeyRing:
    """Master keys of 32 bytes by their names: `current` wraps, and all of them unwrap.

    To rotate: give every process the new key beside the old ones, then make it `current`, run
    `chat-persistence rotate-keys`, and drop the old key when nothing is wrapped by it any more. Raises
    `ConfigurationError`; no key is in a `repr` or in an error.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        for name, key in keys.items():
            _check(name, key)
        if current not in keys:
            raise ConfigurationError("the current master key is not in the ring")
        self._ciphers = {name: Cipher(key) for name, key in keys.items()}
        self.current = current

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the ring of `name:key,name:key`, the keys in base64 and the first one current."""
        keys: dict[str, bytes] = {}
        for item in text.split(","):
            name, _, written = item.strip().partition(":")
            if name in keys:
                raise ConfigurationError("two master keys have the same name")
            keys[name] = _decoded(written)
        return cls(keys, next(iter(keys)))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(sorted(self._ciphers))}; current={self.current})"

    def new(self, user_id: str) -> WrappedKey:
        """Make a key for a user."""
        return self._wrap(user_id, new_key()[:KEY_ID_BYTES], new_key())

    def wrap_anew(self, user_id: str, key: WrappedKey) -> WrappedKey:
        """Return the same key, wrapped by the current master key; raise `EncryptionKeyMissing` as `unwrap` does."""
        return self._wrap(user_id, key.id, self._unwrapped(user_id, key))

    def unwrap(self, user_id: str, key: WrappedKey) -> DataKey:
        """Return a user's key, or raise `EncryptionKeyMissing` when no master key here has wrapped it for that user."""
        return DataKey(key.id, Cipher(self._unwrapped(user_id, key)))

    def _wrap(self, user_id: str, id: bytes, key: bytes) -> WrappedKey:
        sealed = self._ciphers[self.current].seal(key, _name(user_id, self.current, id))
        return WrappedKey(self.current, id + sealed)

    def _unwrapped(self, user_id: str, key: WrappedKey) -> bytes:
        cipher = self._ciphers.get(key.master_key_id)
        if cipher is not None:
            try:
                return cipher.open(key.wrapped[KEY_ID_BYTES:], _name(user_id, key.master_key_id, key.id))
            except NotAuthentic:
                pass
        raise EncryptionKeyMissing(key.master_key_id)


def as_text(value: bytes) -> str:
    """Return bytes as text that PostgreSQL casts to `bytea`."""
    return f"\\x{value.hex()}"


def _name(user_id: str, master_key_id: str, id: bytes) -> bytes:
    return name_of(_PURPOSE, user_id.encode(), master_key_id.encode(), id)


def _check(name: str, key: bytes) -> None:
    if not isinstance(name, str) or not is_plain(name) or not 1 <= len(name) <= MAX_MASTER_KEY_ID_CHARS:
        raise ConfigurationError(f"a master key's name has 1 to {MAX_MASTER_KEY_ID_CHARS} characters")
    if not isinstance(key, bytes) or len(key) != KEY_BYTES:
        raise ConfigurationError(f"the master key {name!r} must have {KEY_BYTES} bytes")


def _decoded(written: str) -> bytes:
    try:
        key = b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        # Which one is not said: what stands before the colon may be half a key.
        raise ConfigurationError(f"master keys are written name:key, the key {KEY_BYTES} bytes in base64")
    return key
