"""A statement made SQL, once per store: `postgresql.insert` is never cached by SQLAlchemy 2.0."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.sql import ClauseElement

Statement = Callable[[], ClauseElement]


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """The SQL as asyncpg takes it, and the names of `$1`, `$2`, … in order."""

    name: str
    sql: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    schema: str | None = None
    """Where its tables are, if not where the search path leads."""

    def arguments(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the given values in the order of the SQL; a missing one is a `KeyError`."""
        values = {**self.constants, **given} if self.constants else given
        return tuple([values[name] for name in self.names])


class Compilation:
    """Compiles each statement when it is first asked for, for one dialect and one schema."""

    def __init__(self, dialect: Dialect, schema: str | None) -> None:
        self._dialect = dialect
        self.schema = schema
        self._options: dict[str, Any] = {}
        if schema is not None:
            self._options = {"schema_translate_map": {None: schema}, "render_schema_translate": True}
        self._compiled: dict[Statement, CompiledStatement] = {}

    def __getitem__(self, statement: Statement) -> CompiledStatement:
        compiled = self._compiled.get(statement)
        if compiled is None:
            compiled = self._compiled[statement] = self._compile(statement)
        return compiled

    def _compile(self, statement: Statement) -> CompiledStatement:
        compiled = statement().compile(dialect=self._dialect, **self._options)
        names: list[str] = getattr(compiled, "positiontup", None) or []
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return CompiledStatement(statement.__name__, str(compiled), tuple(names), constants, self.schema)
