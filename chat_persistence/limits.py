"""How much one value may hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits in characters of the original text, before anything is escaped."""

    content_chars: int = 1_000_000
    json_chars: int = 10_000_000

    @property
    def message_chars(self) -> int:
        """How long a whole message may be: its content, tool calls, native and metadata."""
        return self.content_chars + 3 * self.json_chars
