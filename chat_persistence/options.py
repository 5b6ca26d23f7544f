"""What a store was opened with that its repositories have to know."""

from dataclasses import dataclass, field

from chat_persistence.limits import Limits


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every user of a store."""

    limits: Limits = field(default_factory=Limits)
