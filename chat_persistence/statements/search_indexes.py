"""What PostgreSQL's catalogs know of an index for search, and of its being built."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, column, exists, func, literal_column, select, table

index_named = bindparam("index_named", type_=Text())
messages_named = bindparam("messages_named", type_=Text())

_indexes = table("pg_index", *map(column, ("indexrelid", "indrelid", "indisvalid")), schema="pg_catalog")
_builds = table(
    "pg_stat_progress_create_index",
    *map(column, ("relid", "phase", "blocks_done", "blocks_total", "lockers_done", "lockers_total")),
    schema="pg_catalog",
)


def is_valid() -> Select[Any]:
    """Read whether the index is complete, or was left behind by a build that was broken off; no row without one."""
    return select(_indexes.c.indisvalid).where(_is_named())


def has_valid() -> Select[Any]:
    """Read whether there is the index, and complete."""
    return select(exists().where(and_(_is_named(), _indexes.c.indisvalid)).label("is_there"))


def progress() -> Select[Any]:
    """Read how far the build on our table is."""
    builds = _builds.c
    done, total = builds.blocks_done, builds.blocks_total
    waits = builds.lockers_total > literal_column("0")
    return select(builds.phase, done, total, waits).where(builds.relid == func.to_regclass(messages_named))


def _is_named() -> ColumnElement[bool]:
    return and_(
        _indexes.c.indexrelid == func.to_regclass(index_named),
        _indexes.c.indrelid == func.to_regclass(messages_named),
    )
