"""What a store was opened with that its repositories have to know."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chat_persistence.errors import ConfigurationError
from chat_persistence.limits import Limits
from chat_persistence.values import MessageCreate

TokenCounter = Callable[[MessageCreate], int]


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every user of a store."""

    limits: Limits = field(default_factory=Limits)
    count_tokens: TokenCounter | None = None

    def __post_init__(self) -> None:
        if self.count_tokens is not None and not callable(self.count_tokens):
            raise ConfigurationError("count_tokens must be a function of a MessageCreate")
