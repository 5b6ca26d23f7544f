"""What a host asks for who wants messages encrypted."""

from dataclasses import dataclass, field

from chat_persistence.errors import ConfigurationError
from chat_persistence.key_ring import KeyRing
from chat_persistence.user_keys import UserKeys

MAX_KEY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Encryption:
    """Content, tool calls and native of every new message are encrypted, with one key a user.

    `user_keys` says where those keys live, each wrapped by a master key of the ring; without it, in the table
    `user_keys` beside the messages, and so in their backups, too. Keys are held in memory for `key_seconds`. Messages
    that were stored before, as they are, stay readable; with `reads_plain=False` they are unreadable, like everything
    that was not encrypted with its user's key.
    """

    key_ring: KeyRing
    user_keys: UserKeys | None = field(default=None, repr=False)
    key_seconds: float = 60.0
    reads_plain: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.key_ring, KeyRing):
            raise ConfigurationError("encryption needs a KeyRing")
        if not 0 < self.key_seconds <= MAX_KEY_SECONDS:
            raise ConfigurationError(f"key_seconds must be more than 0 and at most {MAX_KEY_SECONDS:.0f}")
