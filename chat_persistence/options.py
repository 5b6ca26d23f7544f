"""What a store was opened with that its repositories have to know."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chat_persistence.errors import ConfigurationError
from chat_persistence.limits import Limits
from chat_persistence.search_languages import DEFAULT_LANGUAGE
from chat_persistence.values import MessageCreate

TokenCounter = Callable[[MessageCreate], int]

if TYPE_CHECKING:
    from chat_persistence.key_cache import KeyCache


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every user of a store."""

    limits: Limits = field(default_factory=Limits)
    schema: str | None = None
    row_level_security: bool = False
    search_language: str = DEFAULT_LANGUAGE
    count_tokens: TokenCounter | None = None
    encryption: "KeyCache | None" = None
    """The keys of a store that encrypts."""

    def __post_init__(self) -> None:
        if self.count_tokens is not None and not callable(self.count_tokens):
            raise ConfigurationError("count_tokens must be a function of a MessageCreate")
