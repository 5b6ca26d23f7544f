"""What a store was opened with that its repositories have to know."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chat_persistence.limits import Limits

if TYPE_CHECKING:
    from chat_persistence.key_cache import KeyCache


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every user of a store."""

    limits: Limits = field(default_factory=Limits)
    encryption: "KeyCache | None" = None
    """The keys of a store that encrypts."""
