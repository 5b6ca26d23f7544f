"""What an operator does with the chats of all users: the side of the store's door where no user is named."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial

from chat_persistence import quiet_drafts
from chat_persistence.draft_values import DraftRead
from chat_persistence.errors import ChatPersistenceError, StoreClosed
from chat_persistence.exported_seals import LineOpener
from chat_persistence.exporting import Exporter
from chat_persistence.key_ring import KeyRing
from chat_persistence.key_rotation import KeyRotation, Rotation
from chat_persistence.load_values import ConversationLoad, LoadProgress
from chat_persistence.loading import Loader
from chat_persistence.options import Options
from chat_persistence.pruning import check_older_than, prune
from chat_persistence.reports import ExportProgress, PruneReport
from chat_persistence.resources import Resources
from chat_persistence.statements import across_users, exporting
from chat_persistence.transactions import Transaction, TransactionExecution
from chat_persistence.user_keys import UserKeyTable
from chat_persistence.user_seals import UserSeals, seals_of
from chat_persistence.validation import check_limit, check_seconds, check_user_id


class AcrossUsers:
    """The methods of a `ChatStore` that reach everybody's rows."""

    _options: Options
    _resources: Resources | None

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
        walk = quiet_drafts.walk(resources.execution, resources.observer, self._seals_of, seconds)
        async for draft in walk:
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
            resources.compilation.schema,
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
        silence = resources.time_limits.command
        exporter = Exporter(compiled, begin_page, resources.observer, opener, silence, user_id, after, on_progress)
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

    def _seals_of(self, user_id: str) -> UserSeals | None:
        return seals_of(user_id, self._open_resources.execution_for(user_id), self._options)

    @property
    def _open_resources(self) -> Resources:
        if self._resources is None:
            raise StoreClosed
        return self._resources
