"""The statements that find one user's messages by their words, and the expression that the index for them holds.

All that stands in that expression is written out: PostgreSQL takes an index only for the very same one, and a bound
parameter is none. Both statements return whether there is the index, the columns of a message, and its words with the
found ones between two marks.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    desc,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import REGCONFIG, TSQUERY, array
from sqlalchemy.sql.expression import FromClause

from chat_persistence.search_languages import DEFAULT_LANGUAGE
from chat_persistence.statements import conversations as conversation_statements
from chat_persistence.statements.arguments import chat, how_many, moment, owner, place
from chat_persistence.statements.messages import COLUMNS, messages, owned
from chat_persistence.statements.search_indexes import has_valid

MAX_SEARCHED_CHARS = 100_000
"""Of a message's content: more could be more words than PostgreSQL can hold of one row, and no append may fail so."""

SEPARATORS = "-._@:/<>&~+"
"""What makes PostgreSQL's parser look for addresses, paths, tags and signs: the half of a URL would not be found, a
part of `<vector>` neither, and `a_a_a_…` of 100,000 characters takes it a minute."""

MARK_START, MARK_END = "\x02", "\x03"

_UNSEARCHED = rf"\uFDD0(?:0000|fdd0|d[89a-f][0-9a-f]{{2}})|[{SEPARATORS}\u0002\u0003\uFDD0]"
"""The escapes of text.py, separators, and our own marks. Each becomes one space, so that words keep their places."""

_OWNER_MARK = literal_column("chr(1)", Text)
"""No parser puts this character into a word."""

wanted = bindparam("wanted", type_=Text())
chat_place = bindparam("chat_place", type_=Uuid())

_conversations = conversation_statements.conversations


def document(language: str = DEFAULT_LANGUAGE, of: FromClause = messages) -> ColumnElement[Any]:
    """Return what the index holds of a message: its words, and its owner as a word that nobody can write."""
    owners = array([_OWNER_MARK + of.c.user_id])
    return _words(language, of.c.content).op("||")(func.array_to_tsvector(owners))


def is_searched(of: FromClause = messages) -> ColumnElement[bool]:
    """Return the condition for the messages that the index holds: one that says nothing to a person is not found."""
    return of.c.content != literal_column("''")


def by_index(language: str = DEFAULT_LANGUAGE) -> Select[Any]:
    """Read what the owner said with these words, newest first; without the index, nothing is looked for.

    There is always a row: without the index or a message, one whose other columns are null.
    """
    index = has_valid().cte("index")
    has_index = select(index.c.is_there).scalar_subquery()
    found = _newest(_found(language).where(has_index)).subquery("found")
    return _with_marks(index.c.is_there, language, found).select_from(index.outerjoin(found, true()))


def by_walk(language: str = DEFAULT_LANGUAGE) -> Select[Any]:
    """Read the same without an index, which no policy lets PostgreSQL use, from all that the owner said."""
    said = (
        select(*COLUMNS)
        .where(owned(), messages.c.conversation_id == _conversations.c.id)
        .where(is_searched(), _words(language, messages.c.content).op("@@")(_query(language)))
        # A fence: without statistics, PostgreSQL would read everybody's messages to join them.
        .offset(literal_column("0"))
        .lateral("said")
    )
    found = (
        select(*said.c)
        .select_from(_conversations.join(said, true()))
        .where(conversation_statements.owned(), _conversations.c.id == func.coalesce(chat, _conversations.c.id))
    )
    newest = _newest(found, said).subquery("found")
    return _with_marks(true(), language, newest)


def _found(language: str) -> Select[Any]:
    query = _query(language)
    return (
        select(*COLUMNS)
        .where(owned(), is_searched(), messages.c.conversation_id == func.coalesce(chat, messages.c.conversation_id))
        .where(document(language).op("@@")(query.op("&&")(_owners_query())))
        # Of nothing but stop words the owner would be left, and find everything.
        .where(func.numnode(query) > literal_column("0"))
    )


def _newest(found: Select[Any], of: FromClause = messages) -> Select[Any]:
    order = _order(of)
    return found.where(tuple_(*order) < tuple_(moment, chat_place, place)).order_by(*map(desc, order)).limit(how_many)


def _order(of: FromClause) -> tuple[ColumnElement[Any], ...]:
    # In a conversation that is the order of positions, which no time orders; across conversations there is no other.
    return of.c.created_at, of.c.conversation_id, of.c.position


def _with_marks(has_index: ColumnElement[bool], language: str, found: FromClause) -> Select[Any]:
    options = literal(f"HighlightAll=true, StartSel={MARK_START}, StopSel={MARK_END}", Text)
    marked = func.ts_headline(_config(language), _searched_text(found.c.content), _query(language), options)
    return select(has_index, *found.c, marked).order_by(*map(desc, _order(found)))


def _words(language: str, content: ColumnElement[str]) -> ColumnElement[Any]:
    return func.to_tsvector(_config(language), _searched_text(content))


def _searched_text(content: ColumnElement[str]) -> ColumnElement[str]:
    beginning = func.left(content, literal_column(str(MAX_SEARCHED_CHARS)))
    space, everywhere = literal_column("' '", Text), literal_column("'g'", Text)
    return func.regexp_replace(beginning, literal_column(f"'{_UNSEARCHED}'"), space, everywhere)


def _query(language: str) -> ColumnElement[Any]:
    return func.websearch_to_tsquery(_config(language), wanted)


def _owners_query() -> ColumnElement[Any]:
    quote, backslash = literal_column("''''", Text), literal_column(r"'\'", Text)
    quoted = func.replace(func.replace(owner, backslash, backslash + backslash), quote, quote + quote)
    return cast(quote + _OWNER_MARK + quoted + quote, TSQUERY)


def _config(language: str) -> ColumnElement[Any]:
    return literal_column(f"'{language}'::regconfig", REGCONFIG)
