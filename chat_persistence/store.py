"""The door: one store, many users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chat_persistence.across_users import AcrossUsers
from chat_persistence.connection import Profile, TimeLimits
from chat_persistence.encryption import Encryption
from chat_persistence.errors import StoreClosed
from chat_persistence.key_cache import KeyCache
from chat_persistence.limits import Limits
from chat_persistence.opening import Opening, PoolLimits
from chat_persistence.options import Options, TokenCounter
from chat_persistence.poolers import check_profile
from chat_persistence.resources import Providers
from chat_persistence.search_languages import DEFAULT_LANGUAGE, check_language
from chat_persistence.unit_of_work import UnitOfWork
from chat_persistence.user_chats import UserChats
from chat_persistence.validation import check_schema, check_user_id

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider


class ChatStore(AcrossUsers):
    """Conversations and messages of many users, in one PostgreSQL.

    Use it in `async with`, as long as the application lives, in one event loop; it is safe to share between
    tasks. `url` is what a provider prints, or `"embedded"` for a PostgreSQL of the library's own; without it
    `$DATABASE_URL` is read. A given `engine` is joined and never closed. Timeouts are in seconds; to connect, 5 are
    given, or 15 where the server may be asleep. Raises `ConfigurationError` for what cannot be opened at all, and
    connects with the first operation.

    `count_tokens` fills the `token_count` of each message that is appended or loaded without one. It is called in the
    event loop, once for a message, before anything is sent: what it raises reaches the caller as it is, and what is no
    count is `InvalidInput`.

    With `row_level_security`, PostgreSQL is told the user of every transaction, for the policies that
    `chat-persistence row-level-security enable` makes. A role that they do not bind is refused by
    `ConfigurationError`, before the first operation and by `check`.

    `search_language` is a text search configuration of PostgreSQL's, for `messages.search`, which needs an index of
    that language: `chat-persistence search-index create`.

    Every operation is told of to the logger `chat_persistence.access`, at INFO, and as a span and a duration to
    OpenTelemetry's providers: to those given, else to those that the host has set before it opens the store.
    `NoOpTracerProvider` and `NoOpMeterProvider` are told nothing.

    With `encryption`, what messages say is encrypted before it is sent, and no title is cut from it. A store that is
    not given it raises `EncryptionKeyMissing` when it meets an encrypted message.
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
        search_language: str = DEFAULT_LANGUAGE,
        count_tokens: TokenCounter | None = None,
        pool_size: int = 10,
        pool_timeout: float = 60.0,
        connect_timeout: float | None = None,
        command_timeout: float = 15.0,
        tracer_provider: "TracerProvider | None" = None,
        meter_provider: "MeterProvider | None" = None,
        encryption: Encryption | None = None,
    ) -> None:
        self._schema = check_schema(schema)
        self._options = Options(
            Limits(max_content_chars, max_json_chars),
            schema=self._schema,
            row_level_security=row_level_security,
            search_language=check_language(search_language),
            count_tokens=count_tokens,
            encryption=None if encryption is None else KeyCache(encryption),
        )
        self._time_limits = TimeLimits(connect_timeout, command_timeout)
        pool_limits = PoolLimits(pool_size, pool_timeout)
        providers = Providers(tracer_provider, meter_provider)
        self._opening = Opening(url, engine, profile, self._options, pool_limits, self._time_limits, providers)
        self._resources = None
        self._was_opened = False

    async def __aenter__(self) -> Self:
        if self._was_opened:
            raise StoreClosed
        self._was_opened = True
        self._resources = await self._opening.open()
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
        return UserChats(user_id, execution, self._options, resources.observer, self.unit_of_work)

    def unit_of_work(self, user_id: str, *, session: AsyncSession | None = None) -> UnitOfWork:
        """Return a unit of work for one user, in its own transaction or in that of a given session.

        With `row_level_security`, the given session's own statements see this user too, until its transaction ends
        or another unit of work in it begins.
        """
        resources = self._open_resources
        transaction = resources.transaction(session)
        execution = resources.execution_in(transaction, check_user_id(user_id))
        return UnitOfWork(user_id, transaction, execution, self._options, resources.observer)

    @asynccontextmanager
    async def _engine_for_migrations(self) -> AsyncIterator[AsyncEngine]:
        from chat_persistence import migrations

        resources = self._open_resources
        if resources.settings is None:
            yield resources.engine
        else:
            async with migrations.patient_engine(resources.settings, self._time_limits.connect) as engine:
                yield engine
