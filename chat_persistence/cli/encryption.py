"""How the commands encrypt: with the environment's master keys, as an application with the same settings does."""

import os

from chat_persistence.encryption import Encryption
from chat_persistence.key_ring import KeyRing

KEYS_VARIABLE = "CHAT_PERSISTENCE_ENCRYPTION_KEYS"
"""No option: the arguments of a program are seen by everybody on its machine."""


def key_ring_of_environment() -> KeyRing | None:
    """Return the master keys, if there are any."""
    written = os.environ.get(KEYS_VARIABLE)
    return KeyRing.from_text(written) if written else None


def encryption_of_environment() -> Encryption | None:
    """Return what encrypts, with users' keys beside the messages, if anything does."""
    key_ring = key_ring_of_environment()
    return None if key_ring is None else Encryption(key_ring)
