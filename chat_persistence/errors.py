"""Every error that chat_persistence raises.

    ChatPersistenceError
    ├── ConfigurationError          no URL, an extra that is not installed, an engine that cannot be used
    │   ├── EmbeddedPostgresError   the embedded server could not be started here
    │   ├── EncryptionKeyMissing    what is stored is encrypted, and this store has no master key for it
    │   └── EncryptedSearch         encrypted messages cannot be searched by the database
    ├── InvalidInput                (also a ValueError) what was given cannot be stored; names the field
    ├── ConversationNotFound        absent, or somebody else's: the two cannot be told apart
    ├── MessageNotFound
    ├── UserNotFound                not in the host's table that conversations are linked to
    ├── OrphanedConversations       users who have some are missing in the table that is to be linked
    ├── MessageConflict             an id is stored already, with something else in it
    ├── ConversationConflict        an id is stored already, as something else than that fork
    ├── ConversationChanged         the log has moved on from `expected_position`, or a key was swapped before
    ├── ImportStopped               a record could not be imported, and was to stop the import
    ├── DraftClosed                 a reply was finished, aborted or discarded already, here or elsewhere
    ├── TurnTooLong                 the newest turn has more messages than one answer may hold
    ├── StoreUnavailable            the database cannot be reached or asked for a retry     (retryable)
    │   └── PoolTimeout             every connection of the pool was in use                 (retryable)
    ├── ConcurrentAppend            another transaction changed the same log meanwhile      (retryable)
    ├── OutcomeUnknown              sent, not answered, and not repeatable
    ├── SchemaMismatch              the tables are missing or behind; names the command to run
    ├── SearchIndexMissing          nothing can be searched for in this language; names the command to run
    ├── DatabaseFailure             PostgreSQL refused for a reason that has no name here
    │   └── InsufficientPrivilege   this role may not do that, or not without naming a user
    ├── UnitOfWorkFailed            its transaction had failed, so nothing of it was stored
    ├── UnitOfWorkClosed            (also a RuntimeError) used before it began or after it ended
    └── StoreClosed                 (also a RuntimeError) used before it was opened or after it was closed

Facts are attributes. No message of ours holds a user's text, a statement or a password, and the
driver's own error, which may hold all three, is not chained.
"""

from typing import ClassVar
from uuid import UUID


class ChatPersistenceError(Exception):
    """The base of everything raised here: `except ChatPersistenceError` catches all of it."""

    retryable: ClassVar[bool] = False
    """Whether the same call, or the same unit of work, may succeed when it is simply made again."""


class ConfigurationError(ChatPersistenceError):
    """The store cannot be opened as it was asked for; the message names the ways out."""


class EmbeddedPostgresError(ConfigurationError):
    """The embedded PostgreSQL could not be started on this machine."""


class EncryptionKeyMissing(ConfigurationError):
    """What is stored is encrypted with a key that this store has no way to get at.

    `master_key_id` is what wrapped it: absent from the key ring, or there another key. None: no ring was given.
    """

    def __init__(self, master_key_id: str | None = None) -> None:
        super().__init__(master_key_id)
        self.master_key_id = master_key_id

    def __str__(self) -> str:
        if self.master_key_id is None:
            return "what is stored is encrypted: open the store with its encryption=Encryption(...)"
        if not self.master_key_id:
            return "the users' keys are kept elsewhere: give Encryption(...) the same user_keys"
        return f"no master key of this ring opens what {self.master_key_id!r} has wrapped: give it that one, too"


class EncryptedSearch(ConfigurationError):
    """A search in a store that encrypts: PostgreSQL cannot see the text, and would find what is not encrypted only."""

    def __str__(self) -> str:
        return "encrypted messages cannot be searched: the database does not see their text"


class InvalidInput(ChatPersistenceError, ValueError):
    """What was given cannot be stored. Raised before any SQL is sent, so nothing was."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason

    def __reduce__(self) -> tuple[type["InvalidInput"], tuple[str, str]]:
        return type(self), (self.field, self.reason)


class ConversationNotFound(ChatPersistenceError):
    """This user has no such conversation. Somebody else may: that is never told."""

    def __init__(self, conversation_id: UUID) -> None:
        super().__init__(conversation_id)
        self.conversation_id = conversation_id

    def __str__(self) -> str:
        return f"no conversation {self.conversation_id}"


class MessageNotFound(ChatPersistenceError):
    """This user has no such message."""

    def __init__(self, message_id: UUID) -> None:
        super().__init__(message_id)
        self.message_id = message_id

    def __str__(self) -> str:
        return f"no message {self.message_id}"


class UserNotFound(ChatPersistenceError):
    """This user is not in the host's table that conversations are linked to: nothing was stored."""

    def __init__(self, user_id: str) -> None:
        super().__init__()  # an id may be an address: it is told to who asks, and to no log
        self.user_id = user_id

    def __reduce__(self) -> tuple[type["UserNotFound"], tuple[str]]:
        return type(self), (self.user_id,)

    def __str__(self) -> str:
        return "this user is not in the table that conversations are linked to: add the user first"


class OrphanedConversations(ChatPersistenceError):
    """`total` users who have conversations are not in the host's table; `user_ids` are the first of them."""

    def __init__(self, user_ids: tuple[str, ...], total: int) -> None:
        super().__init__(total)
        self.user_ids = user_ids
        self.total = total

    def __reduce__(self) -> tuple[type["OrphanedConversations"], tuple[tuple[str, ...], int]]:
        return type(self), (self.user_ids, self.total)

    def __str__(self) -> str:
        return (
            f"{self.total} users who have conversations are not in the table to link to:"
            " add them there, or erase what they have here"
        )


class MessageConflict(ChatPersistenceError):
    """Ids are stored already: in another conversation, with other content, or without the rest of the batch.

    Nothing of the refused append was stored.
    """

    def __init__(self, conversation_id: UUID, message_ids: tuple[UUID, ...]) -> None:
        super().__init__(conversation_id, message_ids)
        self.conversation_id = conversation_id
        self.message_ids = message_ids

    def __str__(self) -> str:
        ids = ", ".join(map(str, self.message_ids))
        return f"conversation {self.conversation_id}: stored before, and not the same: {ids}"


class ConversationConflict(ChatPersistenceError):
    """A conversation has the id of the fork already, and is none, or another one. Nothing was stored."""

    def __init__(self, conversation_id: UUID) -> None:
        super().__init__(conversation_id)
        self.conversation_id = conversation_id

    def __str__(self) -> str:
        return f"conversation {self.conversation_id}: stored before, and not as this fork"


class ConversationChanged(ChatPersistenceError):
    """The log is at `last_position`, not at `expected_position`; nothing was stored. Read, then decide.

    For a fork, `expected_position` is the one that it was to be made at, and the log has not come so far. With
    `in_metadata`, the log is where it was expected, if that was asked: the key of a `MetadataSwap` was not as expected.
    """

    def __init__(
        self, conversation_id: UUID, expected_position: int | None, last_position: int, in_metadata: bool = False
    ) -> None:
        super().__init__(conversation_id, expected_position, last_position, in_metadata)
        self.conversation_id = conversation_id
        self.expected_position = expected_position
        self.last_position = last_position
        self.in_metadata = in_metadata

    def __str__(self) -> str:
        if self.in_metadata:
            return f"conversation {self.conversation_id}: the key of its metadata is not as it was expected"
        return f"conversation {self.conversation_id} is at {self.last_position}, not at {self.expected_position}"


class ImportStopped(ChatPersistenceError):
    """A record could not be imported, and was to stop the import. `place` says where it stands, `reason` why.

    What stands before it is stored.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class DraftClosed(ChatPersistenceError):
    """A reply is received in one `async with` block, until it is finished, aborted or discarded, here or elsewhere."""

    def __init__(self, conversation_id: UUID, draft_id: UUID) -> None:
        super().__init__(conversation_id, draft_id)
        self.conversation_id = conversation_id
        self.draft_id = draft_id

    def __str__(self) -> str:
        return f"conversation {self.conversation_id}: the draft {self.draft_id} is not open"


class TurnTooLong(ChatPersistenceError):
    """The newest turn alone has more than `limit` messages, so no whole turn fits; read it by `last()`."""

    def __init__(self, conversation_id: UUID, limit: int) -> None:
        super().__init__(conversation_id, limit)
        self.conversation_id = conversation_id
        self.limit = limit

    def __str__(self) -> str:
        return f"conversation {self.conversation_id}: its newest turn has more than {self.limit} messages"


class StoreUnavailable(ChatPersistenceError):
    """The database cannot be reached, is shutting down, or asked for the transaction to be run again."""

    retryable = True

    def __init__(self, reason: str, sqlstate: str | None = None) -> None:
        super().__init__(reason, sqlstate)
        self.reason = reason
        self.sqlstate = sqlstate

    def __str__(self) -> str:
        return self.reason if self.sqlstate is None else f"{self.reason} (SQLSTATE {self.sqlstate})"


class PoolTimeout(StoreUnavailable):
    """Every connection of the pool was in use for as long as `pool_timeout` allows to wait."""


class ConcurrentAppend(ChatPersistenceError):
    """Another transaction stored the same ids, or moved the same log, meanwhile: run the whole unit again."""

    retryable = True

    def __str__(self) -> str:
        return "another transaction changed the same conversation meanwhile; run the unit of work again"


class OutcomeUnknown(ChatPersistenceError):
    """The answer was lost after the request was sent, and the request cannot be repeated. Read to find out."""

    def __init__(self, reason: str = "the connection was lost before the answer came") -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason}: it may or may not have been stored"


class SchemaMismatch(ChatPersistenceError):
    """The tables are not those of this version. `command` is what to run."""

    def __init__(self, current: str | None, expected: str | None, command: str) -> None:
        super().__init__(current, expected, command)
        self.current = current
        self.expected = expected
        self.command = command

    def __str__(self) -> str:
        if self.expected is None:
            return f"the tables of chat_persistence are missing, or of another version: run `{self.command}`"
        return f"the tables are at {self.current or 'no revision'}, not at {self.expected}: run `{self.command}`"


class SearchIndexMissing(ChatPersistenceError):
    """There is no valid index for search in this language; without one, everybody's messages would be read.

    `command` is what to run.
    """

    def __init__(self, language: str, command: str) -> None:
        super().__init__(language, command)
        self.language = language
        self.command = command

    def __str__(self) -> str:
        return f"there is no index for search in the language {self.language}: run `{self.command}`"


class DatabaseFailure(ChatPersistenceError):
    """PostgreSQL refused. Only the SQLSTATE is kept: its message may hold a user's text."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate

    def __str__(self) -> str:
        return f"PostgreSQL refused the operation (SQLSTATE {self.sqlstate or 'unknown'})"


class InsufficientPrivilege(DatabaseFailure):
    """This role may not do that: the right was not granted, or row-level security binds it."""

    def __str__(self) -> str:
        return f"{_INSUFFICIENT.get(self.sqlstate or '', 'this role may not do that')} (SQLSTATE {self.sqlstate})"


_INSUFFICIENT = {
    "0A000": "COPY is refused to a role that row-level security binds: load in one with BYPASSRLS",
    "42501": "this role has no right to do that; where row-level security is on, the maintenance role may have it",
    "42704": "row-level security was told no user (or the URL sets what this server does not know): for a user's work"
    " open the store with row_level_security=True, for an operator's in the maintenance role",
}


class UnitOfWorkFailed(ChatPersistenceError):
    """A statement of this transaction had failed, so PostgreSQL rolled all of it back: nothing was stored."""

    def __str__(self) -> str:
        return "a statement of this unit of work had failed, so nothing of it was stored"


class UnitOfWorkClosed(ChatPersistenceError, RuntimeError):
    """A unit of work is used in one `async with` block, once, and not outside it."""

    def __str__(self) -> str:
        return "this unit of work is not open: use it inside one `async with` block, once"


class StoreClosed(ChatPersistenceError, RuntimeError):
    """A store is used inside `async with`, and not after `aclose()`."""

    def __str__(self) -> str:
        return "this store is not open: use it inside `async with ChatStore(...) as store`"
