"""AES-256-GCM: the one module that knows `cryptography`.

It is imported when the first key is made, so that who encrypts nothing need not have it.
"""

import os

from chat_persistence.errors import ConfigurationError

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class NotAuthentic(ValueError):
    """What was sealed with another key, under another name, or not at all."""


class Cipher:
    """One key. Neither it nor what it seals is in its `repr`.

    Every text is sealed under 96 random bits of its own: for 2^32 texts of one key, the chance that any two are equal
    is 2^-33, which is as far as NIST SP 800-38D, 8.3, allows to go.
    """

    __slots__ = ("_aead", "_refusal")

    def __init__(self, key: bytes) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ModuleNotFoundError as missing:
            if (missing.name or "").partition(".")[0] != "cryptography":
                raise
            raise ConfigurationError("encryption is an extra: pip install 'chat-persistence[encryption]'") from missing
        if len(key) != KEY_BYTES:
            raise ConfigurationError(f"a key has {KEY_BYTES} bytes")
        self._aead = AESGCM(key)
        self._refusal = InvalidTag

    def seal(self, text: bytes, name: bytes) -> bytes:
        """Return the nonce, the ciphertext and its tag; only who says the same `name` can open them."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, text, name)

    def open(self, sealed: bytes, name: bytes) -> bytes:
        """Return what was sealed under this name, or raise `NotAuthentic`."""
        if len(sealed) >= NONCE_BYTES + TAG_BYTES:
            try:
                return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name)
            except self._refusal:
                pass
        raise NotAuthentic


def new_key() -> bytes:
    """Return a random key."""
    return os.urandom(KEY_BYTES)


def name_of(*parts: bytes) -> bytes:
    """Return the parts as one name, each after its length, so that no two lists of parts have the same one."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
