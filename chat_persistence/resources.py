"""What a store holds while it is open: its engine, its tasks, its compiled statements, its server."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chat_persistence.announcements import Announcements
from chat_persistence.compilation import Compilation
from chat_persistence.connection import (
    ConnectionSettings,
    TimeLimits,
    connected,
    join_engine,
    place_of,
    watch_for_dead_connections,
)
from chat_persistence.execution import AloneExecution, Execution
from chat_persistence.leases import Leases
from chat_persistence.listening import Listener, detached
from chat_persistence.observer import Observer
from chat_persistence.options import Options
from chat_persistence.owned_tasks import OwnedTasks
from chat_persistence.transactions import JoinedTransaction, OwnTransaction, Transaction, TransactionExecution
from chat_persistence.translation import translate
from chat_persistence.user_setting import UserExecution, UserSetting
from chat_persistence.watches import Watches

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from chat_persistence.embedded import EmbeddedServer

DRAIN_SECONDS = 5.0


class Providers(NamedTuple):
    """Where spans and durations go; None is where the host's own go."""

    tracer: "TracerProvider | None" = None
    meter: "MeterProvider | None" = None


class Resources:
    """An engine of our own, which is closed with everything else, or a host's, which is left as it was.

    `settings` are those of our own; a host's engine has none.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        options: Options,
        time_limits: TimeLimits,
        providers: Providers,
        *,
        settings: ConnectionSettings | None = None,
        server: "EmbeddedServer | None" = None,
    ) -> None:
        if settings is None:
            join_engine(engine)
        self.engine = engine
        self.settings = settings
        self.time_limits = time_limits
        self.compilation = Compilation(engine.dialect, options.schema)
        self._server = server
        self._tasks = OwnedTasks()
        self._stop_watching: Callable[[], None] = watch_for_dead_connections(engine)
        # Not the autocommit of single operations, and the same on a host's engine, whatever its default.
        self._transactional = engine.execution_options(isolation_level="READ COMMITTED")
        self._leases = Leases(engine, keeps=settings is not None)
        self._announcements = Announcements(self._leases, self.compilation, self._tasks)
        self._watches = Watches(_listen(engine, settings, time_limits, self.compilation))
        self.execution = AloneExecution(self._leases, self.compilation, self._tasks, self._announcements, self._watches)
        self._user_setting = UserSetting(self.compilation, options.schema) if options.row_level_security else None
        place = place_of(engine) if settings is None else settings.place
        self.observer = Observer(place, options.schema, providers.tracer, providers.meter)

    def execution_for(self, user_id: str) -> Execution:
        """Return what runs a user's single operations; where policies ask for it, each names the user."""
        if self._user_setting is None:
            return self.execution
        return UserExecution(
            self._leases,
            self.compilation,
            self._tasks,
            self._announcements,
            self._watches,
            self._user_setting,
            user_id,
        )

    def execution_in(self, transaction: Transaction, user_id: str) -> TransactionExecution:
        """Return what runs a user's operations in a transaction."""
        if self._user_setting is None:
            return TransactionExecution(transaction, self.compilation)
        prepare = partial(self._user_setting.set_in_session, user_id=user_id)
        return TransactionExecution(transaction, self.compilation, prepare)

    def transaction(self, session: AsyncSession | None) -> Transaction:
        """Return a transaction of our own, or the one of the given session."""
        if session is not None:
            return JoinedTransaction(session, self.compilation.schema, self._announcements)
        is_own = self.settings is not None
        return OwnTransaction(
            self._transactional,
            self.compilation.schema,
            self._announcements,
            self._tasks,
            self._leases,
            tells_commit_tag=is_own,
        )

    async def check_binding(self, engine: AsyncEngine) -> None:
        """Raise `ConfigurationError` when the users are to be named to policies that do not bind the engine's role."""
        if self._user_setting is None:
            return
        try:
            async with engine.connect() as connection:
                pooled = await connection.get_raw_connection()
                await self._user_setting.check(pooled.driver_connection)
        except Exception as error:
            failure = translate(error, self.compilation.schema)
        else:
            return
        raise failure

    async def aclose(self) -> None:
        """Let what is under way settle for 5 s, then close hard; a server that was started is given up."""
        try:
            await self._watches.aclose()
            await self._tasks.drain(DRAIN_SECONDS)
            self._announcements.close()
            await self._tasks.cancel()
            await self._leases.close()
            await self._tasks.abandon()
            if self.settings is not None:
                await self.engine.dispose()
        finally:
            self._stop_watching()
            if self._server is not None:
                await asyncio.to_thread(self._server.close)


def _listen(
    engine: AsyncEngine, settings: ConnectionSettings | None, limits: TimeLimits, compilation: Compilation
) -> Callable[[Watches], Coroutine[Any, Any, None]] | None:
    """Return what hears announcements, unless a pooler is sure to answer."""
    if settings is None:
        return Listener(partial(detached, engine), compilation).listen
    if settings.profile == "direct":
        return Listener(partial(connected, settings, limits), compilation).listen
    return None
