"""What a store was opened with that its repositories have to know."""

from dataclasses import dataclass, field

from chat_persistence.limits import Limits
from chat_persistence.search_languages import DEFAULT_LANGUAGE


@dataclass(frozen=True, slots=True)
class Options:
    """The same for every user of a store."""

    limits: Limits = field(default_factory=Limits)
    schema: str | None = None
    row_level_security: bool = False
    search_language: str = DEFAULT_LANGUAGE
