"""One search: what is asked of PostgreSQL, and what its answer comes to."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.sql import ClauseElement

from chat_persistence.compilation import Statement
from chat_persistence.cursors import read_search_cursor, search_cursor
from chat_persistence.errors import EncryptedSearch, InsufficientPrivilege, InvalidInput, SearchIndexMissing
from chat_persistence.execution import Rows
from chat_persistence.options import Options
from chat_persistence.rows import message_from
from chat_persistence.search_languages import DEFAULT_LANGUAGE, catalog_names, create_command
from chat_persistence.search_values import SearchHit
from chat_persistence.snippets import snippet_of
from chat_persistence.statements import searching as statements
from chat_persistence.validation import MAX_POSITION, check_limit
from chat_persistence.values import Page

MAX_QUERY_CHARS = 1_000
UNDEFINED_OBJECT = "42704"

_NEWEST = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1), MAX_POSITION)
"""The place before the first page."""

# What ends a word in the content ends it here, and makes of its halves a phrase: PostgreSQL does that at `_`.
_SEPARATOR = re.compile(rf"[{re.escape(statements.SEPARATORS)}\x00\x02\x03\ud800-\udfff\ufdd0]")
# It means "not" where a word begins; more than 32 of them are too many for PostgreSQL.
_NOT = re.compile(r"(?<![^\s!|()])-(?:\s*-)*")


@dataclass(frozen=True, slots=True)
class _InLanguage:
    """A statement in one language, the same to those who compile it once."""

    statement: Callable[[str], ClauseElement]
    language: str

    def __call__(self) -> ClauseElement:
        return self.statement(self.language)

    @property
    def __name__(self) -> str:
        name: str = self.statement.__name__
        return name


class Search:
    """What one user looks for, in all conversations or in one."""

    def __init__(self, user_id: str, query: str, conversation_id: UUID | None, options: Options) -> None:
        if options.encryption is not None:
            raise EncryptedSearch
        self._options = options
        self._wanted = read_query(query)
        self._conversation_id = conversation_id
        self._scope = ("search", user_id, options.search_language, self._wanted, str(conversation_id))

    @property
    def statement(self) -> Statement:
        """The statement to run: the index is of no use where policies come before it."""
        how = statements.by_walk if self._options.row_level_security else statements.by_index
        return _InLanguage(how, self._options.search_language)

    def arguments(self, limit: int, after: str | None) -> dict[str, Any]:
        """Return what the statement is to be run with; one more row than a page has tells whether another follows."""
        place = _NEWEST if after is None else read_search_cursor(self._scope, after, "after")
        return {
            "wanted": self._wanted,
            "chat": self._conversation_id,
            "how_many": check_limit(limit) + 1,
            **dict(zip(("moment", "chat_place", "place"), place, strict=True)),
            **catalog_names(self._options.search_language, self._options.schema),
        }

    def page(self, rows: Rows, limit: int) -> Page[SearchHit]:
        """Return what was found, or raise `SearchIndexMissing`."""
        if rows and not rows[0][0]:
            raise self.index_missing()
        found = [_hit_from(row) for row in rows[:limit] if row[1] is not None]
        if len(rows) <= limit:
            return Page(found, None)
        last = found[-1].message
        return Page(found, search_cursor(self._scope, last.created_at, last.conversation_id, last.position))

    def is_of_no_language(self, failure: InsufficientPrivilege) -> bool:
        """Whether it failed because PostgreSQL knows no such language; `simple` it always knows."""
        return failure.sqlstate == UNDEFINED_OBJECT and self._options.search_language != DEFAULT_LANGUAGE

    def index_missing(self) -> SearchIndexMissing:
        """Return the error that says how to create the index."""
        language = self._options.search_language
        return SearchIndexMissing(language, create_command(language, self._options.schema))


def read_query(query: str) -> str:
    """Return the query as `websearch_to_tsquery` takes it, or raise `InvalidInput`."""
    if not isinstance(query, str):
        raise InvalidInput("query", "must be a str")
    if len(query) > MAX_QUERY_CHARS:
        raise InvalidInput("query", f"must have at most {MAX_QUERY_CHARS} characters")
    outside_and_inside = query.split('"')
    read = [_without_separators(part, may_negate=n % 2 == 0) for n, part in enumerate(outside_and_inside)]
    wanted = " ".join('"'.join(read).split())
    if not wanted:
        raise InvalidInput("query", "must not be empty")
    return wanted


def _without_separators(text: str, *, may_negate: bool) -> str:
    if not may_negate:
        return _SEPARATOR.sub("_", text)
    words = _NOT.split(text)
    return " -".join(_SEPARATOR.sub("_", each) for each in words)


def _hit_from(row: Sequence[Any]) -> SearchHit:
    _, *columns, marked = row
    message = message_from(columns)
    return SearchHit(message, snippet_of(message.content, marked))
