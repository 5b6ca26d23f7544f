"""Names as PostgreSQL reads them."""


def identifier(name: str) -> str:
    """Return the name in quotes. SQLAlchemy would double a percent sign, or not, by the dialect."""
    return '"' + name.replace('"', '""') + '"'


def qualified(table: str, schema: str | None) -> str:
    """Return the name of a table in a schema, or wherever the search path finds it."""
    return identifier(table) if schema is None else f"{identifier(schema)}.{identifier(table)}"
