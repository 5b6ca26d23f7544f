"""How an operator's change to the tables is run in one transaction, or printed for somebody else to run."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence.translation import translate_for_operator

_Result = TypeVar("_Result")


async def run(engine: AsyncEngine, work: Callable[[Connection], _Result], refusals: Mapping[str, str]) -> _Result:
    """Do the work in a transaction; of its failures, `refusals` says by SQLSTATE what an operator may do."""
    # Not the engine's AUTOCOMMIT; and a schema is given by name here, never by translation.
    transactional = engine.execution_options(isolation_level="READ COMMITTED", schema_translate_map=None)
    try:
        async with transactional.begin() as connection:
            return await connection.run_sync(work)
    except Exception as error:
        failure = translate_for_operator(error, refusals)
    raise failure


def execute(connection: Connection, statements: Iterable[str]) -> None:
    """Run the statements one after another."""
    for statement in statements:
        connection.exec_driver_sql(statement)


def script(statements: Iterable[str]) -> str:
    """Return the statements as one transaction, to be read and run by hand."""
    return "".join(f"{statement};\n" for statement in ["BEGIN", *statements, "COMMIT"])
