"""The tables of other libraries, made by their own DDL and filled with rows that the libraries stored."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

ROME = "A train to Rome, please"
BOOKED = ("assistant", "Booked: 12A.")


@pytest.fixture(scope="module")
async def theirs(database_url: str) -> AsyncIterator[Callable[[str], Any]]:
    """What fills a database with the tables of a library and returns an engine on it."""
