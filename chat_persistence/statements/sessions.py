"""The statements about the server's side of a connection: they touch no table of ours."""

from typing import Any

from sqlalchemy import Select, Text, bindparam, column, func, select, table

prepared_statements = table("pg_prepared_statements", column("name", Text))


def server_process() -> Select[Any]:
    """Read which process of the server answers."""
    return select(func.pg_backend_pid())


def prepared() -> Select[Any]:
    """Count what is prepared in that process under one name: 0 or 1."""
    of_this_name = prepared_statements.c.name == bindparam("statement_name", type_=Text)
    return select(func.count()).select_from(prepared_statements).where(of_this_name)
