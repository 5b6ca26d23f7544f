"""Tables of another library as the source of an import."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import ValidationError
from sqlalchemy import Select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.load_values import ConversationLoad
from chat_persistence.transfer.conversion import NotImportable, reason_of
from chat_persistence.transfer.json_lines import reason_of as why_unreadable
from chat_persistence.transfer.records import BadRecord, FoundConversation, ReadProgress, Record
from chat_persistence.translation import translate_for_operator

ROWS_AT_ONCE = 500

ABSENT_TABLES = "there are no such tables, or other ones: name the tables and their schema, where those can be chosen"
REFUSALS = {
    "3F000": ABSENT_TABLES,
    "42703": ABSENT_TABLES,
    "42P01": ABSENT_TABLES,
    "42501": "this role may not read the other library's tables",
}

Rows = Sequence[Sequence[Any]]

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
                        self._done += len(found)
                        yield self._convert(found)
        except (SQLAlchemyError, OSError) as error:
            failure = translate_for_operator(error, REFUSALS)
        else:
            return
        raise failure

    def _convert(self, rows: Rows) -> Record:
        place = f"conversation {rows[0][0]}"
        try:
            return FoundConversation(place, self._tables.convert(_read(rows)))
        except (ValidationError, NotImportable) as error:
            return BadRecord(place, reason_of(error))
        except (ValueError, RecursionError) as error:
            return BadRecord(place, why_unreadable(error))


def find_user(user: UserOf, key: str) -> str:
    """Return whose the conversation is, or raise `NotImportable`."""
    found = user if isinstance(user, str) else user(key)
    if found is None:
        raise NotImportable("no user can be told from its key")
    return found


def _read(rows: Rows) -> ForeignConversation:
    key, _, head, *user = rows[0]
    return ForeignConversation(key, [json.loads(row[1]) for row in rows], json.loads(head or "{}"), *user)


async def _grouped(rows: AsyncIterator[Sequence[Any]]) -> AsyncIterator[Rows]:
    """Yield the rows of each conversation."""
    group: list[Sequence[Any]] = []
    async for row in rows:
        if group and group[0][0] != row[0]:
            yield group
            group = []
        group.append(row)
    if group:
        yield group
