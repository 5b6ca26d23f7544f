"""The door: one store, many users."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from chat_persistence import quiet_drafts
from chat_persistence.connection import Profile, TimeLimits
from chat_persistence.draft_values import DraftRead
from chat_persistence.encryption import Encryption
from chat_persistence.errors import ChatPersistenceError, StoreClosed
from chat_persistence.exported_seals import LineOpener
from chat_persistence.exporting import Exporter
from chat_persistence.key_cache import KeyCache
from chat_persistence.key_ring import KeyRing
from chat_persistence.key_rotation import KeyRotation, Rotation
from chat_persistence.limits import Limits
from chat_persistence.loading import Loader
from chat_persistence.opening import Opening, PoolLimits
from chat_persistence.options import Options, TokenCounter
from chat_persistence.poolers import check_profile
from chat_persistence.pruning import check_older_than, prune
from chat_persistence.reports import ExportProgress, PruneReport
from chat_persistence.resources import Resources
from chat_persistence.statements import across_users, exporting
from chat_persistence.transactions import Transaction, TransactionExecution
from chat_persistence.unit_of_work import UnitOfWork
from chat_persistence.user_chats import UserChats
from chat_persistence.user_keys import UserKeyTable
from chat_persistence.user_seals import UserSeals, seals_of
from chat_persistence.validation import check_limit, check_schema, check_seconds, check_user_id
from chat_persistence.values import ConversationLoad, LoadProgress

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider


class ChatStore:
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
        keys = None if encryption is None else KeyCache(encryption)
        self._options = Options(Limits(max_content_chars, max_json_chars), count_tokens, keys)
        self._time_limits = TimeLimits(connect_timeout, command_timeout)
        make_resources = partial(
            Resources,
            schema=self._schema,
            row_level_security=row_level_security,
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
        )
        pool_limits = PoolLimits(pool_size, pool_timeout)
        self._opening = Opening(url, engine, profile, pool_limits, self._time_limits, make_resources)
        self._resources: Resources | None = None
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
        return UserChats(user_id, execution, self._options, resources.observer)

    def unit_of_work(self, user_id: str, *, session: AsyncSession | None = None) -> UnitOfWork:
        """Return a unit of work for one user, in its own transaction or in that of a given session.

        With `row_level_security`, the given session's own statements see this user too, until its transaction ends
        or another unit of work in it begins.
        """
        resources = self._open_resources
        transaction = resources.transaction(session)
        execution = resources.execution_in(transaction, check_user_id(user_id))
        return UnitOfWork(user_id, transaction, execution, self._options, resources.observer)

    async def users(self, *, after: str | None = None, limit: int = 1000) -> list[str]:
        """Return the ids of users who have conversations, by their bytes; the last is the next call's `after`."""
        owner_after = "" if after is None else check_user_id(after, "after")
        how_many = check_limit(limit)
        resources = self._open_resources
        with resources.observer.begin("users") as operation:
            rows = await resources.execution.fetch(across_users.users, owner_after=owner_after, how_many=how_many)
            operation.answered(rows)
        return [row[0] for row in rows]

    async def drafts(self, *, quiet_seconds: float = 3_600.0) -> AsyncIterator[DraftRead]:
        """Yield the drafts of all users to which nothing was added for so long: their processes are gone, or hang.

        End each by its owner's door: `store.for_user(draft.user_id).drafts.abort(draft.conversation_id, draft.id)`.
        """
        resources = self._open_resources
        seconds = float(check_seconds(quiet_seconds, "quiet_seconds"))

        def seals_for(user_id: str) -> UserSeals | None:
            return seals_of(user_id, resources.execution_for(user_id), self._options)

        async for draft in quiet_drafts.walk(resources.execution, resources.observer, seconds, seals_for):
            yield draft

    async def load(
        self,
        conversations: AsyncIterable[ConversationLoad] | Iterable[ConversationLoad],
        *,
        on_progress: Callable[[LoadProgress], None] | None = None,
        on_refused: Callable[[int, ChatPersistenceError], None] | None = None,
    ) -> LoadProgress:
        """Load whole conversations of any users by COPY, and return what it came to.

        Repeatable: a conversation whose user has one of that id already is left as it is, so a load that was
        interrupted is simply run again. Each is stored with all of its messages or not at all, in batches of
        about 10,000 messages or 8 MB, after each of which `on_progress` is told; memory is that of two batches,
        however long the input, which is read as it is needed.

        Raise `InvalidInput`, naming the conversation's index and the field, `MessageConflict` when a message's
        id is stored in another conversation of that user, and `UserNotFound` where conversations are linked to the
        host's users: what came before in the input may be stored, the refused conversation is not. With `on_refused`
        none of these three is raised: it is told the index and the error, and the load goes on. Lost connections
        are tried again for some seconds. Row-level security must not bind the role, for COPY knows none.
        """
        resources = self._open_resources
        loader = Loader(
            resources.execution,
            resources.compilation,
            partial(resources.transaction, None),
            self._schema,
            self._options,
            on_progress,
            on_refused,
        )
        with resources.observer.begin("load") as operation:
            progress = await loader.load(conversations)
            operation.answered(progress)
        return progress

    async def export(
        self,
        user_id: str | None = None,
        *,
        after: ExportProgress | None = None,
        on_progress: Callable[[ExportProgress], None] | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Yield the conversations of one user, or of everybody, as NDJSON, in pieces that end with a line.

        What `transfer` imports again exactly. Read by COPY in pages of about 5,000 messages, or of one conversation,
        each as one statement saw it; between them neither a connection nor a transaction is held, so that the file
        is not one moment's. A page is in memory up to 8 MB, beyond that in a temporary file. `on_progress` is told
        after each, and what it was told goes on after an interruption when it is given as `after`. Lost connections
        are tried again for some seconds. Of everybody, it is an operator's work, as `users` is. What is encrypted is
        decrypted; raise `EncryptionKeyMissing` where that needs `encryption`.
        """
        resources = self._open_resources
        if user_id is not None:
            check_user_id(user_id)

        def begin_page() -> tuple[Transaction, TransactionExecution]:
            transaction = resources.transaction(None)
            if user_id is None:
                return transaction, TransactionExecution(transaction, resources.compilation)
            return transaction, resources.execution_in(transaction, user_id)

        compiled = resources.compilation[across_users.lines if user_id is None else exporting.lines]
        opener = LineOpener(self._options.encryption, resources.execution_for)
        exporter = Exporter(compiled, begin_page, resources.observer, opener, user_id, after, on_progress)
        async with aclosing(exporter.pieces()) as pieces:
            async for piece in pieces:
                yield piece

    async def prune(
        self,
        older_than: timedelta | datetime,
        *,
        archived: bool | None = None,
        dry_run: bool = False,
        on_progress: Callable[[PruneReport], None] | None = None,
    ) -> PruneReport:
        """Delete whole conversations of all users whose last activity is older, and return what it came to.

        `older_than` is an age by the server's clock, or a moment that knows its zone, else `InvalidInput`; activity is
        `updated_at`. With `archived`, only archived conversations, or only active ones; with `dry_run`, they are only
        counted. It looks at 1,000 conversations and deletes about 5,000 messages at a time, after which `on_progress`
        is told, and may be run again after an interruption. A conversation that is used meanwhile stays. An operator's
        work, as `users` is.
        """
        checked = check_older_than(older_than)
        resources = self._open_resources
        with resources.observer.begin("prune") as operation:
            report = await prune(
                resources.execution, checked, archived=archived, dry_run=dry_run, on_progress=on_progress
            )
            operation.answered(report.conversations)
        return report

    async def rotate_keys(
        self,
        key_ring: KeyRing,
        *,
        dry_run: bool = False,
        on_progress: Callable[[KeyRotation], None] | None = None,
    ) -> KeyRotation:
        """Wrap all users' keys in this database anew with the current master key, and return what it came to.

        Everybody may go on writing. Run it again after an interruption: what is done is passed over. With `dry_run`,
        only count. Messages stay as they are: it is their users' keys that are wrapped. Raise `EncryptionKeyMissing`
        for a key that no master key of the ring opens; those before it, by their users' bytes, are done.
        """
        resources = self._open_resources
        rotation = Rotation(resources.execution, key_ring, dry_run=dry_run, on_progress=on_progress)
        with resources.observer.begin("rotate_keys"):
            return await rotation.run()

    def user_keys(self) -> UserKeyTable:
        """Return the users' keys in this database, for the `Encryption` of a store on another one.

        So they live apart from the messages and their backups. Where this database has no backups that outlive an
        `erase`, what was erased is erased in those of the messages, too.
        """
        return UserKeyTable(self._open_resources.execution_for)

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
