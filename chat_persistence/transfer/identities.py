"""The ids of what comes from elsewhere: the same from the same, wherever and however often it is read."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Self
from uuid import UUID

from chat_persistence.derived_ids import derived_id


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids of one conversation and of its messages."""

    conversation_id: UUID

    @classmethod
    def of(cls, moment: datetime | None, *key: str) -> Self:
        """Return those of the conversation that `key` names: the format, the owner, and the id it had there."""
        return cls(derived_id(moment, *key))

    def message_id(self, key: str | int, moment: datetime | None = None) -> UUID:
        """Return that of the message of that id, or of that place, in the conversation."""
        return derived_id(moment, str(self.conversation_id), str(key))


def digest_of(value: Any) -> str:
    """Return what tells a JSON value from all others, whatever the order of its keys and its spaces."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
