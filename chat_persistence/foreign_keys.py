"""The foreign key from conversations to a host's own users, as DDL.

Users numbered by uuid or integer are met by a generated column, since no foreign key leads from text to them; it is
null for no row, so that what can be none of their ids is refused too.
"""

from dataclasses import dataclass
from typing import Literal

from chat_persistence.errors import InvalidInput
from chat_persistence.models import Conversation
from chat_persistence.names import identifier, qualified
from chat_persistence.statements.user_links import FOREIGN_KEY, KEYS, UserIdType
from chat_persistence.validation import check_name, check_schema

OnDelete = Literal["cascade", "restrict"]

DELETE_ACTIONS: dict[OnDelete, str] = {"cascade": "c", "restrict": "r"}
"""As `pg_constraint.confdeltype` has them."""

OWN_COLUMNS: dict[UserIdType, str] = {"text": "user_id", "uuid": "user_uuid", "bigint": "user_bigint"}
GENERATED: dict[UserIdType, str] = {type_: name for type_, name in OWN_COLUMNS.items() if name != "user_id"}
INDEXES: dict[UserIdType, str] = {type_: f"ix_conversations_{name}" for type_, name in GENERATED.items()}


@dataclass(frozen=True, slots=True)
class Users:
    """The key of a host's users: a column, of a table that the search path finds unless a schema is named."""

    table: str
    column: str = "id"
    schema: str | None = None

    def __post_init__(self) -> None:
        check_name(self.table, "table")
        check_name(self.column, "column")
        check_schema(self.schema)

    @property
    def qualified(self) -> str:
        """The table, as SQL names it."""
        return qualified(self.table, self.schema)


def read_users(path: str) -> Users:
    """Return the users of `table.column` or `schema.table.column`, or raise `InvalidInput`."""
    *schema, table, column = path.split(".") if path.count(".") in (1, 2) else ("", "")
    if not table:
        raise InvalidInput("users", "must be table.column or schema.table.column")
    return Users(table, column, schema[0] if schema else None)


def check_choice(type_: str, on_delete: str) -> None:
    """Raise `InvalidInput` for what is not offered."""
    if type_ not in KEYS:
        raise InvalidInput("type", f"must be one of {', '.join(KEYS)}")
    if on_delete not in DELETE_ACTIONS:
        raise InvalidInput("on_delete", f"must be one of {', '.join(DELETE_ACTIONS)}")


def conversations(schema: str | None) -> str:
    """Return our table, as SQL names it."""
    return qualified(Conversation.__tablename__, check_schema(schema))


def add(users: Users, type_: UserIdType, on_delete: OnDelete, schema: str | None) -> list[str]:
    """Return what adds the foreign key for all rows to come; a generated column rewrites the table."""
    ours = conversations(schema)
    references = f"REFERENCES {users.qualified} ({identifier(users.column)})"
    return [
        *(_generate(ours, type_) if type_ in GENERATED else []),
        f"ALTER TABLE {ours} ADD CONSTRAINT {FOREIGN_KEY} FOREIGN KEY ({OWN_COLUMNS[type_]}) {references}"
        f" ON DELETE {on_delete.upper()} NOT VALID",
    ]


def validate(schema: str | None) -> str:
    """Return what holds it against the rows there are; reads and writes go on meanwhile."""
    return f"ALTER TABLE {conversations(schema)} VALIDATE CONSTRAINT {FOREIGN_KEY}"


def drop(schema: str | None) -> list[str]:
    """Return what takes it away, with the generated column and its index."""
    ours = conversations(schema)
    columns = [f"ALTER TABLE {ours} DROP COLUMN IF EXISTS {name}" for name in GENERATED.values()]
    return [f"ALTER TABLE {ours} DROP CONSTRAINT IF EXISTS {FOREIGN_KEY}", *columns]


def _generate(ours: str, type_: UserIdType) -> list[str]:
    # They outlive a foreign key that went with the host's table.
    column = GENERATED[type_]
    return [
        f"ALTER TABLE {ours} ADD COLUMN IF NOT EXISTS {column} {type_} NOT NULL"
        f" GENERATED ALWAYS AS ({KEYS[type_]}) STORED",
        f"CREATE INDEX IF NOT EXISTS {INDEXES[type_]} ON {ours} ({column})",
    ]
