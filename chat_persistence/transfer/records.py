"""What an import is fed with: whole conversations, each with the place it came from, or why there is none."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from chat_persistence.load_values import ConversationLoad


@dataclass(frozen=True, slots=True)
class FoundConversation:
    """A conversation to store, and where it stood, for a person who looks it up: `line 7`, `conversation 3`."""

    place: str
    conversation: ConversationLoad


@dataclass(frozen=True, slots=True)
class BadRecord:
    """What could not be imported: where it stood, and why, with nothing of a user's text."""

    place: str
    reason: str


Record = FoundConversation | BadRecord


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far a source was read, in its own measure; `total` is None where nobody knows it beforehand."""

    done: int = 0
    total: int | None = None


class Format(Protocol):
    """How a kind of file is read.

    It is read in a thread, some records at a time, so this is plain synchronous code. Ids are derived from what the
    file says, so that the same file gives the same ids again. What is bad is yielded in its place, and reading goes
    on where it can; at most one conversation is in memory.
    """

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """Yield what is in the file, in its order."""


class Source(Protocol):
    """Where an import reads: a file in some format, or tables of another library."""

    @property
    def progress(self) -> ReadProgress:
        """How far it was read."""

    def records(self) -> AsyncGenerator[Record, None]:
        """Yield what is there, from its beginning, in bounded memory."""
