"""What PostgreSQL's catalogs know of an index for search, and of its being built."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    column,
    exists,
    false,
    func,
    literal_column,
    select,
    table,
)

index_named = bindparam("index_named", type_=Text())
messages_named = bindparam("messages_named", type_=Text())

_indexes = table("pg_index", *map(column, ("indexrelid", "indrelid", "indisvalid")), schema="pg_catalog")
_builds = table(
    "pg_stat_progress_create_index",
    *map(column, ("relid", "phase", "blocks_done", "blocks_total", "lockers_done", "lockers_total")),
    schema="pg_catalog",
)


_STATEMENT_LIMIT, _LOCK_LIMIT = "statement_timeout", "lock_timeout"


def is_valid() -> Select[Any]:
    """Read whether the index is complete, or was left behind by a build that was broken off; no row without one."""
    return select(_indexes.c.indisvalid).where(_is_named())


def has_valid() -> Select[Any]:
    """Read whether there is the index, and complete."""
    return select(exists().where(and_(_is_named(), _indexes.c.indisvalid)).label("is_there"))


def limits() -> Select[Any]:
    """Read how long the session lets a statement take, and wait for a lock."""
    return select(
        func.current_setting(_STATEMENT_LIMIT).label("statement_limit"),
        func.current_setting(_LOCK_LIMIT).label("lock_limit"),
    )


def set_limits() -> Select[Any]:
    """Set both for the session."""
    return select(
        func.set_config(_STATEMENT_LIMIT, bindparam("statement_limit", type_=Text()), false()),
        func.set_config(_LOCK_LIMIT, bindparam("lock_limit", type_=Text()), false()),
    )


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
