"""The index for search, as DDL."""

from sqlalchemy import Column, Index, MetaData, Table, Text, make_url
from sqlalchemy.schema import CreateIndex, DropIndex, ExecutableDDLElement

from chat_persistence.models import Message
from chat_persistence.search_languages import check_language, index_name
from chat_persistence.statements import searching
from chat_persistence.validation import check_schema


def create(language: str, schema: str | None, *, concurrently: bool = True) -> str:
    """Return what creates the index; concurrently, reads and writes go on, and it can be in no transaction."""
    return _sql(CreateIndex(_index(language, schema, concurrently=concurrently), if_not_exists=True))


def drop(language: str, schema: str | None, *, concurrently: bool = True) -> str:
    """Return what drops it, valid or left behind."""
    return _sql(DropIndex(_index(language, schema, concurrently=concurrently), if_exists=True))


def _index(language: str, schema: str | None, *, concurrently: bool) -> Index:
    # Not of our own metadata: an index of its table would be a part of the schema.
    messages = Table(
        Message.__tablename__,
        MetaData(),
        Column("user_id", Text),
        Column("content", Text),
        schema=check_schema(schema),
    )
    return Index(
        index_name(check_language(language)),
        searching.document(language, messages),
        postgresql_using="gin",
        postgresql_where=searching.is_searched(messages),
        postgresql_concurrently=concurrently,
        _table=messages,
    )


def _sql(element: ExecutableDDLElement) -> str:
    return str(element.compile(dialect=make_url("postgresql+asyncpg://").get_dialect()()))
