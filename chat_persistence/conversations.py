"""What one can do with one's conversations."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any
from uuid import UUID

from chat_persistence.compilation import Statement
from chat_persistence.cursors import activity_cursor, read_activity_cursor
from chat_persistence.errors import (
    ConcurrentAppend,
    ConversationChanged,
    ConversationConflict,
    ConversationNotFound,
    DatabaseFailure,
    InvalidInput,
    OutcomeUnknown,
    StoreUnavailable,
    UserNotFound,
)
from chat_persistence.execution import Execution, Rows
from chat_persistence.fork_sealing import ForkSealing
from chat_persistence.options import Options
from chat_persistence.rows import conversation_from
from chat_persistence.sealed_text import Seal
from chat_persistence.statements import conversations as statements
from chat_persistence.statements import forking, swapping
from chat_persistence.statements import messages as message_statements
from chat_persistence.statements import usage as usage_statements
from chat_persistence.swapping import reason_against_swap, swap_arguments
from chat_persistence.text import to_json
from chat_persistence.translation import USER_MISSING, has_hit_a_limit
from chat_persistence.usage import Usage
from chat_persistence.user_seals import read_messages, seals_of
from chat_persistence.validation import check_expected_position, check_id, check_limit, check_model, check_position
from chat_persistence.values import (
    ConversationCreate,
    ConversationRead,
    ConversationUpdate,
    ConversationWithMessages,
    MetadataSwap,
    Page,
)

FORK_ATTEMPTS = 2
SWAP_ATTEMPTS = 5
"""Where nothing stands in the way any more of what was not swapped."""

_LISTINGS = {
    # (archived, after a place)
    (False, False): statements.page_active,
    (False, True): statements.page_active_after,
    (True, False): statements.page_archived,
    (True, True): statements.page_archived_after,
}

SEALED_FORK_ATTEMPTS = 3
"""What is encrypted anew is read before, and may have changed by then."""


class ConversationRepository:
    """One user's conversations. Somebody else's are exactly as absent as ones that never were.

    Every method is one statement. All of them raise `InvalidInput` before any SQL is sent for what cannot
    be stored, and `ConversationNotFound` where the conversation is required and this user has none of that id.
    """

    def __init__(self, user_id: str, execution: Execution, options: Options) -> None:
        self._user_id = user_id
        self._execution = execution
        self._options = options
        self._seals = seals_of(user_id, execution, options)

    async def create(
        self,
        *,
        id: UUID | None = None,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> ConversationRead:
        """Create a conversation and return it.

        With an `id`, repeatable: when this user has that conversation already, it is returned as it is.
        Without a `title`, one is cut from the first user message that is appended. Raise `UserNotFound` where
        conversations are linked to the host's users and this is none of them.
        """
        given: dict[str, object] = {"title": title}
        if id is not None:
            given["id"] = check_id(id, "id")
        new = check_model(ConversationCreate, given)
        notes = self._notes({} if metadata is None else metadata)
        rows = await self._create(statements.create, chat=new.id, heading=new.title, notes=notes)
        return conversation_from(rows[0])

    async def get(self, id: UUID) -> ConversationRead:
        """Return the conversation."""
        return await self._fetch_one(statements.get, id)

    async def get_with_messages(self, id: UUID, limit: int = 50) -> ConversationWithMessages:
        """Return the conversation and its newest `limit` messages, oldest first, as one statement saw them."""
        rows = await self._fetch(
            message_statements.conversation_with_last, chat=check_id(id, "id"), how_many=check_limit(limit)
        )
        if not rows:
            raise ConversationNotFound(id)
        width = len(statements.COLUMNS)
        messages = await read_messages([tuple(row)[width:] for row in rows if row[width] is not None], self._seals)
        messages.sort(key=attrgetter("position"))
        return ConversationWithMessages(conversation_from(tuple(rows[0])[:width]), messages)

    async def page(
        self, limit: int = 20, *, after: str | None = None, archived: bool = False
    ) -> Page[ConversationRead]:
        """Return conversations, newest activity first; `next_cursor` is what `after` takes for the next page.

        The order moves: a conversation that is bumped between two pages may be missed by the later one, and
        is never doubled within one reading of the list.
        """
        scope = ("conversations", self._user_id, "archived" if archived else "active")
        place: dict[str, Any] = {}
        if after is not None:
            place["moment"], place["chat"] = read_activity_cursor(scope, after, "after")
        statement = _LISTINGS[bool(archived), after is not None]
        rows = await self._fetch(statement, how_many=check_limit(limit) + 1, **place)
        items = [conversation_from(row) for row in rows[:limit]]
        more = len(rows) > limit
        return Page(items, activity_cursor(scope, items[-1].updated_at, items[-1].id) if more else None)

    async def update(self, id: UUID, changes: ConversationUpdate) -> ConversationRead:
        """Change the fields that `changes` was given, and return the conversation."""
        if not isinstance(changes, ConversationUpdate):
            raise InvalidInput("changes", "must be a ConversationUpdate")
        if not changes.model_fields_set:
            return await self.get(id)
        return await self._fetch_one(
            statements.change,
            id,
            sets_heading="title" in changes.model_fields_set,
            heading=changes.title,
            sets_notes="metadata" in changes.model_fields_set,
            notes=self._notes(changes.metadata),
        )

    async def swap_metadata(
        self, id: UUID, swap: MetadataSwap, *, expected_position: int | None = None
    ) -> ConversationRead:
        """Set one key of the metadata, if it is as `swap` expects, and return the conversation.

        Of many that expect the same at once, one swaps. Raise `ConversationChanged` when the key is not as expected, or
        the log is not at `expected_position`; nothing is changed then. Repeatable: a key that has the new value already
        is this swap's own work, or an equal one's, which a token in the value tells apart. `messages.append` swaps and
        stores in one.
        """
        arguments = {
            "chat": check_id(id, "id"),
            "expected": check_expected_position(expected_position),
            **swap_arguments(swap, self._options.limits),
        }
        rows = await self._fetch(swapping.swap, **arguments)
        for _ in range(SWAP_ATTEMPTS):
            if rows:
                break
            reason = await reason_against_swap(self._execution, self._user_id, arguments)
            # Once more: the key may have become what is expected, or what it is to be, since it was refused.
            rows = await self._fetch(swapping.swap, **arguments)
            if not rows and reason is not None:
                raise reason
        if not rows:
            raise ConcurrentAppend
        return conversation_from(rows[0])

    async def rename(self, id: UUID, title: str | None) -> ConversationRead:
        """Set the title, 1 to 200 characters; None takes it away, and the next user message gives one again."""
        return await self.update(id, check_model(ConversationUpdate, {"title": title}))

    async def archive(self, id: UUID) -> ConversationRead:
        """Take the conversation out of the default listing; an archived one keeps the time it has."""
        return await self._fetch_one(statements.set_archived, id, hidden=True)

    async def unarchive(self, id: UUID) -> ConversationRead:
        """Put the conversation back into the default listing."""
        return await self._fetch_one(statements.set_archived, id, hidden=False)

    async def delete(self, id: UUID) -> None:
        """Delete the conversation and its messages."""
        check_id(id, "id")
        try:
            rows = await self._fetch(statements.remove, chat=id, repeatable=False)
        except OutcomeUnknown as unknown:
            reason = unknown.reason
            hit_a_limit = has_hit_a_limit(unknown)
        else:
            if not rows:
                raise ConversationNotFound(id)
            return
        if hit_a_limit:
            raise StoreUnavailable(reason)  # another wait is the caller's to decide
        # The answer was lost: should it be gone now, the work is done.
        await self._fetch(statements.remove, chat=id)

    async def fork(
        self, id: UUID, at_position: int, *, fork_id: UUID | None = None, title: str | None = None
    ) -> ConversationRead:
        """Make a conversation of what was said up to `at_position`, to go on from there in another way; return it.

        It has the metadata of the other, its title, or the one given, and its `created_at`; the messages have their
        positions and times, and ids of their own. From then on the two share nothing. It is not archived, and has no
        drafts.

        With a `fork_id`, repeatable: the same fork is returned as it is now, also when the source is gone. Raise
        `ConversationConflict` when that id is stored as anything else, and `ConversationChanged` when the log has
        not come to `at_position`. A fork copies in one statement, within the store's `command_timeout`.
        """
        check_id(id, "id")
        check_position(at_position, "at_position")
        given: dict[str, object] = {"title": title}
        if fork_id is not None:
            given["id"] = check_id(fork_id, "fork_id")
        new = check_model(ConversationCreate, given)
        arguments = {"chat": id, "place": at_position, "new_chat": new.id, "heading": new.title}
        rows = await self._fork(arguments)
        for _ in range(FORK_ATTEMPTS):
            if rows:
                break
            source = await self._fetch(statements.get, chat=id)
            # Once more: the loser of two equal forks has a snapshot from before the winner's commit, and the log may
            # have come to the position. What is not there after the look was not there at its moment.
            rows = await self._fork(arguments)
            if not rows:
                _refuse_short(source, id, at_position)
        if not rows:
            raise ConcurrentAppend
        return _same_fork(conversation_from(rows[0]), id, at_position)

    async def usage(self, id: UUID) -> Usage:
        """Return how many messages the conversation has, and of how many tokens."""
        rows = await self._fetch(usage_statements.of_chat, chat=check_id(id, "id"))
        if not rows:
            raise ConversationNotFound(id)
        return Usage(*rows[0][1:])

    async def _fork(self, arguments: dict[str, Any]) -> Rows:
        if self._seals is None:
            return await self._create(forking.fork, **arguments)
        seals = self._seals

        async def fork(seal: Seal) -> Rows:
            sealing = ForkSealing(self._user_id, self._execution, seal, reads_plain=seals.reads_plain)
            return await self._create(forking.fork_sealed, **arguments, **await sealing.arguments(arguments))

        for _ in range(SEALED_FORK_ATTEMPTS):
            rows = await seals.with_seal(fork)
            if rows:
                break
            # The key has become another, or the messages have since they were read; or there is no such conversation.
            seals.doubt_key()
        return rows

    async def _create(self, statement: Statement, **arguments: Any) -> Rows:
        try:
            return await self._fetch(statement, **arguments)
        except DatabaseFailure as failure:
            if failure.sqlstate not in USER_MISSING:
                raise
            raise UserNotFound(self._user_id) from None

    def _notes(self, metadata: Mapping[str, Any]) -> str:
        if not isinstance(metadata, Mapping):
            raise InvalidInput("metadata", "must be a mapping")
        value = metadata if isinstance(metadata, dict) else dict(metadata)
        return to_json(value, "metadata", self._options.limits.json_chars)

    async def _fetch(self, statement: Statement, **arguments: Any) -> Rows:
        return await self._execution.fetch(statement, owner=self._user_id, **arguments)

    async def _fetch_one(self, statement: Statement, id: UUID, **arguments: Any) -> ConversationRead:
        rows = await self._fetch(statement, chat=check_id(id, "id"), **arguments)
        if not rows:
            raise ConversationNotFound(id)
        return conversation_from(rows[0])


def _refuse_short(source: Rows, id: UUID, at_position: int) -> None:
    if not source:
        raise ConversationNotFound(id)
    last_position = conversation_from(source[0]).last_position
    if last_position < at_position:
        raise ConversationChanged(id, at_position, last_position)


def _same_fork(found: ConversationRead, forked_from: UUID, forked_position: int) -> ConversationRead:
    if (found.forked_from, found.forked_position) != (forked_from, forked_position):
        raise ConversationConflict(found.id)
    return found
