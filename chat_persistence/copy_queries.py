"""A query for COPY, which takes no parameters: its values are written into it.

Not by the driver, which would also write them into names that hold a `$1`, as a schema's may.
"""

import re
from collections.abc import Sequence
from uuid import UUID

_PARAMETER = re.compile(r""""(?:[^"]|"")*"|'(?:[^']|'')*'|\$([0-9]+)""")
"""A number after a dollar, but for what is in a name or a text."""

Value = str | UUID | int


def with_values(sql: str, values: Sequence[Value]) -> str:
    """Return the SQL with its values in place of `$1`, `$2`, …"""
    return _PARAMETER.sub(lambda found: _literal(values[int(found[1]) - 1]) if found[1] else found[0], sql)


def _literal(value: Value) -> str:
    if isinstance(value, str):
        # No rule of quoting has a say in hex.
        return f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')"
    return f"'{value}'" if isinstance(value, UUID) else f"{value:d}"
