"""The encryption that the environment tells a command of; an argument would be seen by everybody on the machine."""

import os

from chat_persistence.encryption import Encryption
from chat_persistence.key_ring import KeyRing

KEYS_VARIABLE = "CHAT_PERSISTENCE_ENCRYPTION_KEYS"


def read_encryption() -> Encryption | None:
    """Return it, with the users' keys beside the messages, or None where there is none."""
    written = os.environ.get(KEYS_VARIABLE)
    return Encryption(KeyRing.from_text(written)) if written else None
