"""What was used, in messages and tokens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What a conversation, or all of a user's, come to: `tokens` are the sum of the messages' own `token_count`.

    `uncounted` of the messages have none, and are not in that sum.
    """

    messages: int = 0
    tokens: int = 0
    uncounted: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.messages + other.messages, self.tokens + other.tokens, self.uncounted + other.uncounted)
