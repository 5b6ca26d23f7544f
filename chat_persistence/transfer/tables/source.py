"""Tables of another library as the source of an import."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import ValidationError
from sqlalchemy import Select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.transfer.conversion import NotImportable, reason_of
from chat_persistence.transfer.records import BadRecord, FoundConversation, ReadProgress, Record
from chat_persistence.translation import translate_for_operator
from chat_persistence.values import ConversationLoad

ROWS_AT_ONCE = 500

ABSENT_TABLES = "there are no such tables, or other ones: name the tables and their schema, where those can be chosen"
REFUSALS = {
    "3F000": ABSENT_TABLES,
    "42703": ABSENT_TABLES,
    "42P01": ABSENT_TABLES,
    "42501": "this role may not read the other library's tables",
}

UserOf = str | Callable[[str], str | None]
"""A user, or what finds one in the key of a conversation; None says that nobody can be found."""


@dataclass(frozen=True, slots=True)
class ForeignConversation:
    """A conversation as another library has it: its own row, and those of its messages in their order, as JSON."""

    key: str
    messages: list[dict[str, Any]]
    head: dict[str, Any]
    user: str | None = None


class Tables(Protocol):
    """How the tables of a library are read."""

    def statement(self) -> Select[Any]:
        """Return what reads them, as `statements.foreign_tables` has it."""

    def convert(self, found: ForeignConversation) -> ConversationLoad:
        """Return it as a conversation here, or raise `NotImportable`."""


class TableSource:
    """Tables of another library, in whatever PostgreSQL the engine leads to, as one statement sees them."""

    def __init__(self, engine: AsyncEngine, tables: Tables) -> None:
        self._engine = engine
        self._tables = tables
        self._done = 0

    @property
    def progress(self) -> ReadProgress:
        """How many rows were read."""
        return ReadProgress(self._done)

    async def records(self) -> AsyncGenerator[Record, None]:
        """Yield the conversations one by one, through a cursor; raise `ConfigurationError` when there are none to read.

        Meanwhile a transaction is open.
        """
        try:
            async with self._engine.connect() as plain:
                # A cursor lives in a transaction.
                connection = await plain.execution_options(isolation_level="READ COMMITTED", yield_per=ROWS_AT_ONCE)
                async with connection.stream(self._tables.statement()) as rows:
                    async for found in _grouped(rows):
                        self._done += len(found.messages)
                        yield self._convert(found)
        except (SQLAlchemyError, OSError) as error:
            failure = translate_for_operator(error, REFUSALS)
        else:
            return
        raise failure

    def _convert(self, found: ForeignConversation) -> Record:
        place = f"conversation {found.key}"
        try:
            return FoundConversation(place, self._tables.convert(found))
        except (ValidationError, NotImportable) as error:
            return BadRecord(place, reason_of(error))


def find_user(user: UserOf, key: str) -> str:
    """Return whose the conversation is, or raise `NotImportable`."""
    found = user if isinstance(user, str) else user(key)
    if found is None:
        raise NotImportable("no user can be told from its key")
    return found


async def _grouped(rows: AsyncIterator[Sequence[Any]]) -> AsyncIterator[ForeignConversation]:
    found: ForeignConversation | None = None
    async for key, message, head, *user in rows:
        if found is None or found.key != key:
            if found is not None:
                yield found
            found = ForeignConversation(key, [], json.loads(head or "{}"), *user)
        found.messages.append(json.loads(message))
    if found is not None:
        yield found
