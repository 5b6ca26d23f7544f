"""How PostgreSQL's policies are told whose a transaction is.

The user comes from the door, `for_user` or `unit_of_work`, and not from the statement's own arguments: one wall
stands where the other was forgotten. It is set for the transaction alone, which takes a round trip: folded into the
statement, it would depend on the plan whether it is set in time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from chat_persistence.compilation import Compilation, CompiledStatement, Statement
from chat_persistence.errors import ConfigurationError, SchemaMismatch
from chat_persistence.execution import AloneExecution, Rows, SingleRun
from chat_persistence.leases import Leases
from chat_persistence.models import Base
from chat_persistence.names import qualified
from chat_persistence.owned_tasks import OwnedTasks
from chat_persistence.statements.row_level_security import binding, set_user
from chat_persistence.transactions import connection_of, run_in_session
from chat_persistence.translation import upgrade_command

ROLLBACK_SECONDS = 2.0

_LAST_SET = "chat_persistence.last_set"

_UNBOUND = (
    "this role is a superuser, whom no policy binds",
    "this role has BYPASSRLS, so that no policy binds it",
    "this role owns the tables, or is a member of the role that does, so that it may change their policies",
    "it is not in force on the tables: run `chat-persistence row-level-security enable --role …`",
    "another policy than ours lets this role through, as the one for the maintenance role does",
)
"""What each column of `binding` means."""


class UserSetting:
    """The setting of one store, used once it is sure that the policies bind its role."""

    def __init__(self, compilation: Compilation, schema: str | None) -> None:
        self._compilation = compilation
        self._tables = [qualified(table.name, schema) for table in Base.metadata.sorted_tables]
        self._is_sure = False

    async def check(self, driver: Any) -> None:
        """Raise `ConfigurationError` unless policies bind the role of this connection."""
        compiled = self._compilation[binding]
        rows = await driver.fetch(compiled.sql, *compiled.arguments({"table_array": self._tables}))
        if len(rows) < len(self._tables):
            raise SchemaMismatch(None, None, upgrade_command(compiled.schema))
        for number, reason in enumerate(_UNBOUND):
            if any(row[number] for row in rows):
                raise ConfigurationError(f"row_level_security=True cannot be kept: {reason}")

    async def set(self, driver: Any, user_id: str) -> None:
        """Set the user in the transaction of a connection."""
        await self._make_sure(driver)
        compiled = self._compilation[set_user]
        await driver.fetch(compiled.sql, *compiled.arguments({"owner": user_id}))

    def set_in_session(self, session: Session, user_id: str) -> None:
        """Set the user in the transaction of a session, unless that was the last that was set in it.

        A savepoint that was rolled back takes its setting along, and another unit of work may have come in between.
        """
        await_only(self._make_sure(connection_of(session).connection.driver_connection))
        wanted = (session.get_nested_transaction() or session.get_transaction(), user_id)
        if session.info.get(_LAST_SET) != wanted:
            compiled = self._compilation[set_user]
            run_in_session(session, compiled, compiled.arguments({"owner": user_id}))
            session.info[_LAST_SET] = wanted

    async def _make_sure(self, driver: Any) -> None:
        if not self._is_sure:
            await self.check(driver)
            self._is_sure = True


class UserExecution(AloneExecution):
    """Runs each statement as a transaction of one user: BEGIN, the setting, the statement, COMMIT."""

    def __init__(
        self, leases: Leases, compilation: Compilation, tasks: OwnedTasks, setting: UserSetting, user_id: str
    ) -> None:
        super().__init__(leases, compilation, tasks)
        self._set_user = partial(setting.set, user_id=user_id)

    async def fetch(
        self,
        statement: Statement,
        *,
        repeatable: bool = True,
        after: "asyncio.Task[None] | None" = None,
        **arguments: Any,
    ) -> Rows:
        """Run a statement, again if need be; until its COMMIT was sent, surely nothing of it has happened."""
        compiled = self._compilation[statement]
        run = UserRun(self._leases, compiled, arguments, self._set_user, repeatable=repeatable)
        return await self._tasks.run(run.try_and_try_again if after is None else run.once_done(after))


class UserRun(SingleRun):
    """One statement on its way, in a transaction of its own, one attempt or a few."""

    def __init__(
        self,
        leases: Leases,
        compiled: CompiledStatement,
        arguments: Mapping[str, Any],
        set_user: Callable[[Any], Awaitable[None]],
        *,
        repeatable: bool,
    ) -> None:
        super().__init__(leases, compiled, arguments, repeatable=repeatable)
        self._set_user = set_user

    async def _ask(self, driver: Any) -> Rows:
        self._was_sent = False
        try:
            await driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            await self._set_user(driver)
            rows = await super()._ask(driver)
            self._was_sent = True
            await driver.execute("COMMIT")
        except BaseException:
            await _roll_back(driver)
            raise
        return rows


async def _roll_back(driver: Any) -> None:
    # Neither a transaction nor its setting may stay on a connection that somebody else gets.
    try:
        await driver.execute("ROLLBACK", timeout=ROLLBACK_SECONDS)
    except BaseException as error:
        driver.terminate()
        if not isinstance(error, Exception):
            raise
