"""The door: one store, many users."""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chat_persistence.connection import Profile, TimeLimits, make_engine, read_url
from chat_persistence.errors import ConfigurationError, StoreClosed
from chat_persistence.limits import Limits
from chat_persistence.loading import Loader
from chat_persistence.poolers import check_profile
from chat_persistence.resources import Resources
from chat_persistence.statements import across_users
from chat_persistence.unit_of_work import UnitOfWork
from chat_persistence.user_chats import UserChats
from chat_persistence.validation import check_limit, check_schema, check_user_id
from chat_persistence.values import ConversationLoad, LoadProgress

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from chat_persistence.embedded import EmbeddedServer

EMBEDDED = "embedded"


class ChatStore:
    """Conversations and messages of many users, in one PostgreSQL.

    Use it in `async with`, as long as the application lives, in one event loop; it is safe to share between
    tasks. `url` is what a provider prints, or `"embedded"` for a PostgreSQL of the library's own; without it
    `$DATABASE_URL` is read. A given `engine` is joined and never closed. Timeouts are in seconds; to connect, 5 are
    given, or 15 where the server may be asleep. Raises `ConfigurationError` for what cannot be opened at all, and
    connects with the first operation.

    With `row_level_security`, PostgreSQL is told the user of every transaction, for the policies that
    `chat-persistence row-level-security enable` makes. A role that they do not bind is refused by
    `ConfigurationError`, before the first operation and by `check`.

    Every operation is told of to the logger `chat_persistence.access`, at INFO, and as a span and a duration to
    OpenTelemetry's providers: to those given, else to those that the host has set before it opens the store.
    `NoOpTracerProvider` and `NoOpMeterProvider` are told nothing.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        engine: AsyncEngine | None = None,
        profile: Profile | None = None,
        schema: str | None = None,
        row_level_security: bool = False,
        max_content_chars: int = 1_000_000,
        max_json_chars: int = 10_000_000,
        pool_size: int = 10,
        pool_timeout: float = 60.0,
        connect_timeout: float | None = None,
        command_timeout: float = 15.0,
        tracer_provider: "TracerProvider | None" = None,
        meter_provider: "MeterProvider | None" = None,
    ) -> None:
        self._schema = check_schema(schema)
        self._time_limits = TimeLimits(connect_timeout, command_timeout)
        self._limits = Limits(max_content_chars, max_json_chars)
        self._given_engine = engine
        self._make_resources = partial(
            Resources,
            schema=self._schema,
            row_level_security=row_level_security,
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
        )
        self._url = _choose_url(url, engine)
        self._read_url = partial(read_url, profile=profile)
        self._make_engine = partial(
            make_engine,
            pool_size=pool_size,
            pool_timeout=pool_timeout,
            connect_timeout=connect_timeout,
            command_timeout=command_timeout,
        )
        if self._url != EMBEDDED and engine is None:
            self._read_url(self._url)
        self._resources: Resources | None = None
        self._was_opened = False

    async def __aenter__(self) -> Self:
        if self._was_opened:
            raise StoreClosed
        self._was_opened = True
        self._resources = await self._open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Take no new work, let what was sent settle for 5 s, and close; a given engine stays open."""
        resources, self._resources = self._resources, None
        if resources is not None:
            await resources.aclose()

    async def migrate(self) -> None:
        """Bring the tables to this version's revision; does nothing, and takes no lock, when they are there.

        Raises `SchemaMismatch` when they are of a newer version, and `ConfigurationError` when this role may not.
        """
        from chat_persistence import migrations

        with self._open_resources.observer.begin("migrate"):
            async with self._engine_for_migrations() as engine:
                await migrations.upgrade(engine, self._schema)

    async def check(self) -> None:
        """Raise `SchemaMismatch`, naming the command to run, when the tables are not of this version.

        Raise `ConfigurationError`, naming the profile to give, when `direct` has met a pooler that loses prepared
        statements; a given engine is its host's own business.
        Raise it, too, when `row_level_security` does not bind this role.
        """
        from chat_persistence import migrations

        resources = self._open_resources
        with resources.observer.begin("check"):
            if resources.settings is not None:
                await check_profile(resources.settings, self._time_limits, resources.compilation)
            async with self._engine_for_migrations() as engine:
                await migrations.check(engine, self._schema)
                await self._open_resources.check_binding(engine)

    def for_user(self, user_id: str) -> UserChats:
        """Return one user's chats. `user_id` is the host's own, 1 to 255 bytes, else `InvalidInput`."""
        resources = self._open_resources
        execution = resources.execution_for(check_user_id(user_id))
        return UserChats(user_id, execution, self._limits, resources.observer)

    def unit_of_work(self, user_id: str, *, session: AsyncSession | None = None) -> UnitOfWork:
        """Return a unit of work for one user, in its own transaction or in that of a given session.

        With `row_level_security`, the given session's own statements see this user too, until its transaction ends
        or another unit of work in it begins.
        """
        resources = self._open_resources
        transaction = resources.transaction(session)
        execution = resources.execution_in(transaction, check_user_id(user_id))
        return UnitOfWork(user_id, transaction, execution, self._limits, resources.observer)

    async def users(self, *, after: str | None = None, limit: int = 1000) -> list[str]:
        """Return the ids of users who have conversations, by their bytes; the last is the next call's `after`."""
        owner_after = "" if after is None else check_user_id(after, "after")
        how_many = check_limit(limit)
        resources = self._open_resources
        with resources.observer.begin("users") as operation:
            rows = await resources.execution.fetch(across_users.users, owner_after=owner_after, how_many=how_many)
            operation.answered(rows)
        return [row[0] for row in rows]

    async def load(
        self,
        conversations: AsyncIterable[ConversationLoad] | Iterable[ConversationLoad],
        *,
        on_progress: Callable[[LoadProgress], None] | None = None,
    ) -> LoadProgress:
        """Load whole conversations of any users by COPY, and return what it came to.

        Repeatable: a conversation whose user has one of that id already is left as it is, so a load that was
        interrupted is simply run again. Each is stored with all of its messages or not at all, in batches of
        about 10,000 messages or 8 MB, after each of which `on_progress` is told; memory is that of two batches,
        however long the input, which is read as it is needed.

        Raise `InvalidInput`, naming the conversation's index and the field, `MessageConflict` when a message's
        id is stored in another conversation of that user, and `UserNotFound` where conversations are linked to the
        host's users: what came before in the input may be stored, the refused conversation is not. Lost connections
        are tried again for some seconds. Row-level security must not bind the role, for COPY knows none.
        """
        resources = self._open_resources
        loader = Loader(
            resources.execution,
            resources.compilation,
            partial(resources.transaction, None),
            self._schema,
            self._limits,
            on_progress,
        )
        with resources.observer.begin("load") as operation:
            progress = await loader.load(conversations)
            operation.answered(progress)
        return progress

    @asynccontextmanager
    async def _engine_for_migrations(self) -> AsyncIterator[AsyncEngine]:
        from chat_persistence import migrations

        resources = self._open_resources
        if resources.settings is None:
            yield resources.engine
        else:
            async with migrations.patient_engine(resources.settings, self._time_limits.connect) as engine:
                yield engine

    @property
    def _open_resources(self) -> Resources:
        if self._resources is None:
            raise StoreClosed
        return self._resources

    async def _open(self) -> Resources:
        if self._given_engine is not None:
            return self._make_resources(self._given_engine)
        return self._open_own(await _start_server() if self._url == EMBEDDED else None)

    def _open_own(self, server: "EmbeddedServer | None" = None) -> Resources:
        settings = self._read_url(self._url if server is None else server.url)
        return self._make_resources(self._make_engine(settings), settings=settings, server=server)


def _choose_url(url: str | None, engine: AsyncEngine | None) -> str:
    if engine is not None:
        if url is not None:
            raise ConfigurationError("give ChatStore a URL or an engine, not both")
        return ""
    chosen = url or os.environ.get("DATABASE_URL")
    if not chosen:
        raise ConfigurationError(
            'no database: give ChatStore a URL, set DATABASE_URL, or ask for ChatStore("embedded")'
            " (pip install 'chat-persistence[embedded]')"
        )
    return chosen


async def _start_server() -> "EmbeddedServer":
    from chat_persistence import embedded

    starting = asyncio.ensure_future(asyncio.to_thread(embedded.start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_give_up)
        raise


def _give_up(starting: "asyncio.Future[EmbeddedServer]") -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().close()
