"""Contenders as the rounds see them, and those that live in this process."""

from typing import Protocol

from benchmarks.contender import Contender
from benchmarks.loops import CrowdSample, Sample, Workload, time_crowd, time_workload, verify


class Player(Protocol):
    """Whoever takes part; a guest, being slow, plays fewer rounds."""

    name: str
    is_guest: bool
    lists: bool

    async def open(self, url: str) -> None:
        """Connect, and make the tables if they are missing."""

    async def close(self) -> None:
        """Give up every connection; the tables stay."""

    async def fill(self, conversation: str, messages: int, seconds: float) -> bool:
        """Make a conversation, and say whether it was possible within the time."""

    async def verify(self, conversation: str) -> None:
        """Raise unless what is appended is read back, in order."""

    async def time(self, workload: Workload, operations: int) -> Sample:
        """Do a workload."""

    async def crowd(self, users: int, seconds: float) -> CrowdSample:
        """Serve many users at once."""


class OwnProcess:
    """A contender in this process."""

    def __init__(self, name: str, contender: Contender, *, is_guest: bool = False) -> None:
        self.name = name
        self.is_guest = is_guest
        self.lists = contender.lists
        self._contender = contender

    async def open(self, url: str) -> None:
        await self._contender.open(url)

    async def close(self) -> None:
        await self._contender.close()

    async def fill(self, conversation: str, messages: int, seconds: float) -> bool:
        """Fill, without looking at the clock: this is quick."""
        await self._contender.fill(conversation, messages)
        return True

    async def verify(self, conversation: str) -> None:
        """Raise `AssertionError` when it is wrong."""
        await verify(self._contender, conversation)

    async def time(self, workload: Workload, operations: int) -> Sample:
        return await time_workload(self._contender, workload, operations)

    async def crowd(self, users: int, seconds: float) -> CrowdSample:
        return await time_crowd(self._contender, users, seconds)
