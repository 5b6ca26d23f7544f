"""What a contender has to offer, in terms of the standard library alone: peers live in environments of their own."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar


class Contender(ABC):
    """One way to keep chats, used as its own documentation says, with its defaults.

    `conversation` is any name; a turn is a question and an answer, told apart by its `number`. All
    conversations belong to one user, but those that are named `listed-…`, which belong to another.
    """

    lists: ClassVar[bool] = False
    """Whether it can list a user's conversations."""

    @abstractmethod
    async def open(self, url: str) -> None:
        """Connect to an empty database or to one's own, and make the tables."""

    @abstractmethod
    async def close(self) -> None:
        """Give up every connection."""

    @abstractmethod
    async def fill(self, conversation: str, messages: int) -> None:
        """Make a conversation of so many messages, however that is quickest."""

    @abstractmethod
    async def append(self, conversation: str, number: int) -> None:
        """Store one turn durably, in a conversation that is there."""

    @abstractmethod
    async def last(self, conversation: str) -> Sequence[Any]:
        """Return the newest 50 messages, oldest first, as what this contender hands to a model."""

    @abstractmethod
    def contents(self, messages: Sequence[Any]) -> list[str]:
        """Return the texts of what `last` returned."""

    async def list_conversations(self) -> Sequence[Any]:
        """Return the 20 conversations of the user `lister` that were active last."""
        raise NotImplementedError

    async def read_then_append(self, conversation: str, number: int) -> None:
        """Read what a model is given, then store the turn that it made."""
        await self.last(conversation)
        await self.append(conversation, number)

    async def begin(self, conversation: str) -> None:  # noqa: B027 (most need none)
        """Make an empty conversation, where one has to be there before the first turn."""
