"""What one can do with one's messages."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from chat_persistence.announcements import announced_name
from chat_persistence.append_run import Appender
from chat_persistence.batch import Batch
from chat_persistence.compilation import Statement
from chat_persistence.cursors import position_cursor, read_position_cursor
from chat_persistence.errors import (
    InsufficientPrivilege,
    InvalidInput,
    MessageNotFound,
    TurnTooLong,
)
from chat_persistence.execution import Execution, Rows
from chat_persistence.following import FOLLOWED_PAGE, Follower
from chat_persistence.options import Options
from chat_persistence.rewind_run import Rewinder
from chat_persistence.rows import message_from
from chat_persistence.search_values import SearchHit
from chat_persistence.searching import Search
from chat_persistence.statements import appending, following, token_budget
from chat_persistence.statements import messages as statements
from chat_persistence.swapping import swap_arguments
from chat_persistence.turns import is_whole, most_unsplit, newest_whole_turns
from chat_persistence.user_seals import read_message, read_messages, seals_of
from chat_persistence.validation import (
    MAX_LIMIT,
    check_expected_position,
    check_id,
    check_limit,
    check_max_tokens,
    check_patience,
    check_position,
)
from chat_persistence.values import ConversationRead, MessageCreate, MessageRead, MetadataSwap, Page

ITERATION_PAGE = 200
"""Few enough that Python's collector never finds its 700 new objects: at 500, reading 100,000 messages ended in a full
collection of everything that the host holds, and the event loop stood still for it."""

DEFAULT_LIMIT = 50

_APPENDS = {
    # (may create, swaps)
    (False, False): appending.append,
    (False, True): appending.append_and_swap,
    (True, False): appending.append_or_create,
    (True, True): appending.append_or_create_and_swap,
}


class MessageRepository:
    """One user's messages. Somebody else's conversation is exactly as absent as one that never was.

    Positions count from 1 in the order of commits. All methods raise `InvalidInput` before any SQL is sent
    for what cannot be stored.
    """

    def __init__(self, user_id: str, execution: Execution, options: Options) -> None:
        self._user_id = user_id
        self._execution = execution
        self._options = options
        self._seals = seals_of(user_id, execution, options)
        self._appender = Appender(user_id, execution, self._seals)
        self._rewinder = Rewinder(user_id, execution)

    async def append(
        self,
        conversation_id: UUID,
        *messages: MessageCreate,
        create_conversation: bool = False,
        expected_position: int | None = None,
        swap: MetadataSwap | None = None,
    ) -> list[MessageRead]:
        """Store 1 to 1,000 messages one after another, all or none, and return them as they are stored.

        Repeatable by their ids: what is stored already is returned and not stored again (what was rewound
        since is). Raise `MessageConflict` when an id is stored with other content, in another conversation,
        or without the rest of the batch; `ConversationChanged` when the log is not at `expected_position`;
        `ConversationNotFound`, unless `create_conversation`, which may raise `UserNotFound` as `create` does; and,
        only inside a unit of work, `ConcurrentAppend` when another transaction stored the same ids meanwhile.

        With a `swap`, a key of the conversation's metadata becomes another in the same statement, or, when it is not as
        the swap expects, nothing is stored and that is `ConversationChanged` too. A conversation that is created has
        that key alone, and none is created for a swap that expects one. What is stored already is returned whatever
        the metadata has become since.
        """
        batch = Batch(check_id(conversation_id, "conversation_id"), messages, self._options)
        expected = check_expected_position(expected_position)
        arguments = {"chat": conversation_id, "expected": expected, **batch.arguments()}
        may_create = create_conversation and not expected
        if swap is not None:
            arguments |= swap_arguments(swap, self._options.limits)
            may_create = may_create and swap.expected is None
        return await self._appender.append(batch, _APPENDS[may_create, swap is not None], arguments)

    async def last(
        self,
        conversation_id: UUID,
        limit: int | None = None,
        *,
        whole_turns: bool = False,
        max_tokens: int | None = None,
    ) -> list[MessageRead]:
        """Return the newest `limit` messages, oldest first; an empty list when there are none, or no conversation.

        Without a `limit`, 50. With `whole_turns`, begin at a user message and never with a tool's result without its
        call: at most `limit` messages, but at least the newest turn, which may have up to 1,000. Raise `TurnTooLong`
        beyond that.

        With `max_tokens`, the newest messages that have no more tokens together, at most `limit` of them, or 1,000:
        never with a tool's result without its call, and with `whole_turns` from a user message on. The budget is
        kept whatever it costs: when the newest message, or turn, does not fit, the list is empty. A message without
        a `token_count` counts one token for each three bytes of its content and tool calls, or of `native`, if
        that is longer.
        """
        if max_tokens is not None:
            bound = MAX_LIMIT if limit is None else check_limit(limit)
            return await self._within(conversation_id, bound, check_max_tokens(max_tokens), whole_turns=whole_turns)
        how_many = DEFAULT_LIMIT if limit is None else check_limit(limit)
        if whole_turns:
            return await self._whole_turns(statements.last_whole_turns, conversation_id, how_many)
        rows = await self._fetch(statements.last, conversation_id, how_many=how_many)
        return await self._oldest_first(rows)

    async def last_turns(self, conversation_id: UUID, turns: int) -> list[MessageRead]:
        """Return the newest `turns` turns, oldest first, each whole; fewer when they have over 1,000 messages.

        A turn runs from a user message to the next one. There are more of them when a result's call is in an
        older one, and fewer when it is in none. Raise `TurnTooLong` when the newest alone has more messages.
        """
        return await self._whole_turns(statements.last_turns, conversation_id, check_limit(turns, "turns"))

    async def page(
        self,
        conversation_id: UUID,
        limit: int = 50,
        *,
        before: int | str | None = None,
        after: int | str | None = None,
    ) -> Page[MessageRead]:
        """Return one page, its items always oldest first; without `before` and `after` the newest one.

        Without such a conversation it is empty. Both take a position or a page's `next_cursor`. After `before`,
        or neither, the cursor leads to older messages, and is for `before`; after `after`, to newer ones, and is
        for `after`.
        """
        check_id(conversation_id, "conversation_id")
        check_limit(limit)
        if before is not None and after is not None:
            raise InvalidInput("after", "cannot be given together with before")
        direction = "before" if after is None else "after"
        given = before if after is None else after
        scope = ("messages", self._user_id, str(conversation_id), direction)
        if given is None:
            rows = await self._fetch(statements.last, conversation_id, how_many=limit + 1)
        else:
            place = _place(scope, given, direction)
            statement = statements.before if direction == "before" else statements.after
            rows = await self._fetch(statement, conversation_id, how_many=limit + 1, place=place)
        items = await read_messages(rows[:limit], self._seals)
        next_cursor = position_cursor(scope, items[-1].position) if len(rows) > limit else None
        return Page(items[::-1] if direction == "before" else items, next_cursor)

    async def get(self, id: UUID) -> MessageRead:
        """Return the message, or raise `MessageNotFound`."""
        rows = await self._execution.fetch(statements.get, owner=self._user_id, message=check_id(id, "id"))
        if not rows:
            raise MessageNotFound(id)
        return await read_message(rows[0], self._seals)

    async def through(self, id: UUID, limit: int = 50) -> list[MessageRead]:
        """Return the newest `limit` messages of a conversation up to this one, itself included, oldest first.

        Raise `MessageNotFound`; the conversation need not be known.
        """
        rows = await self._execution.fetch(
            statements.through, owner=self._user_id, message=check_id(id, "id"), how_many=check_limit(limit)
        )
        if not rows:
            raise MessageNotFound(id)
        return await self._oldest_first(rows)

    async def search(
        self, query: str, limit: int = 20, *, after: str | None = None, conversation_id: UUID | None = None
    ) -> Page[SearchHit]:
        """Return messages whose content has the words of the query, newest first, with what is around them.

        All words have to be there, in any case and, by the store's `search_language`, in any form; `"rome train"` side
        by side, `or` means either, and `-train` leaves out. A query has at most 1,000 characters, and of each content
        the first 100,000 are searched. Without a word that the language looks for, nothing is found.
        `next_cursor` is what `after` takes for the next page of the same query. With a `conversation_id` of nobody's
        conversation, the page is empty.

        Raise `SearchIndexMissing`, naming the command to run, without the index for the store's `search_language`;
        under row-level security none is needed or used, and all that the user has said is read. Raise `EncryptedSearch`
        in a store that encrypts.
        """
        if conversation_id is not None:
            check_id(conversation_id, "conversation_id")
        search = Search(self._user_id, query, conversation_id, self._options)
        arguments = search.arguments(limit, after)
        try:
            rows = await self._execution.fetch(search.statement, owner=self._user_id, **arguments)
        except InsufficientPrivilege as failure:
            if search.is_of_no_language(failure):
                raise search.index_missing() from None
            raise
        return search.page(rows, limit)

    async def iterate(self, conversation_id: UUID) -> AsyncIterator[MessageRead]:
        """Yield every message, oldest first, those included that are appended meanwhile.

        Reads keyset pages, and holds neither a connection nor a transaction between them. Without such a
        conversation there is nothing to yield.
        """
        position = 0
        while True:
            rows = await self._read_on(conversation_id, position)
            for message in map(message_from, rows) if self._seals is None else await self._seals.read(rows):
                position = message.position
                yield message
            if len(rows) < ITERATION_PAGE:
                return

    def follow(
        self, conversation_id: UUID, *, after: int | None = None, patience: float = 60.0
    ) -> AsyncGenerator[MessageRead, None]:
        """Yield the messages after a position, oldest first, and then each as it is stored, by whatever process.

        None is missed and none comes twice: whoever begins again gives the last position that came as `after`.
        Without it, only what is stored after the first step was begun comes. It ends by its reader alone, who may
        leave the loop or be cancelled at any time, and otherwise raises: `ConversationNotFound`, also when the
        conversation is deleted meanwhile; `StoreUnavailable` when the store could not answer for `patience` seconds;
        `StoreClosed`. A rewind is not told of; what is stored after it comes.

        Where a server itself answers, what is stored is announced, in milliseconds, on one connection that all who
        follow by this store share, outside of its pool. Behind a pooler it is looked for: after 0.1 s, and as long as
        there is nothing, up to every 2 s. No connection of the pool is held while there is nothing. Inside a unit of
        work it is `InvalidInput`.
        """
        check_id(conversation_id, "conversation_id")
        if after is not None:
            check_position(after, "after")
        watch = self._execution.watch(announced_name(self._user_id, conversation_id))
        patience = check_patience(patience, "patience")
        follower = Follower(conversation_id, watch, self._read_news, self._lease, self._seals, patience)
        return follower.messages(after)

    async def rewind(
        self, conversation_id: UUID, to_position: int, *, expected_position: int | None = None
    ) -> ConversationRead:
        """Delete the messages after `to_position`, to regenerate or undo, and return the conversation.

        A rewind that deletes something takes a position itself. Raise `ConversationNotFound`, or
        `ConcurrentAppend` when the log moved on at every one of a few tries, and, since a late repetition
        could delete what was appended since, `OutcomeUnknown` when the answer is lost.

        With an `expected_position`, raise `ConversationChanged` when the log is not there; nothing is deleted then. So
        it may be repeated. When the answer is lost the library does, and it is done when the log has come one position
        further and ends with the message at `to_position`; `OutcomeUnknown` is left for what was appended upon it
        since, and for a `to_position`, other than 0, where no message is.
        """
        arguments = {
            "chat": check_id(conversation_id, "conversation_id"),
            "place": check_position(to_position, "to_position"),
            "expected": check_expected_position(expected_position),
        }
        return await self._rewinder.rewind(arguments)

    async def _read_on(self, conversation_id: UUID, position: int) -> Rows:
        return await self._fetch(statements.after, conversation_id, how_many=ITERATION_PAGE, place=position)

    async def _read_news(self, conversation_id: UUID, position: int) -> Rows:
        return await self._fetch(following.news, conversation_id, how_many=FOLLOWED_PAGE, place=position)

    async def _lease(self, conversation_id: UUID) -> bool:
        return bool(await self._fetch(following.lease, conversation_id))

    async def _whole_turns(self, statement: Statement, conversation_id: UUID, how_many: int) -> list[MessageRead]:
        messages = await self._oldest_first(await self._fetch(statement, conversation_id, how_many=how_many))
        if is_whole(messages):
            return messages
        # Rare: a result that came after the next user message, or no user message within the bound.
        rows = await self._fetch(statements.last, conversation_id, how_many=statements.MAX_MESSAGES)
        widest = await self._oldest_first(rows)
        rather_fewer = statement is statements.last_whole_turns
        whole = newest_whole_turns(widest, len(widest) - len(messages), rather_fewer=rather_fewer)
        if not whole and len(widest) == statements.MAX_MESSAGES:
            raise TurnTooLong(conversation_id, statements.MAX_MESSAGES)
        return whole

    async def _oldest_first(self, rows: Rows) -> list[MessageRead]:
        return await read_messages(rows[::-1], self._seals)

    async def _within(self, conversation_id: UUID, limit: int, tokens: int, *, whole_turns: bool) -> list[MessageRead]:
        rows = await self._fetch(token_budget.last_within, conversation_id, how_many=limit, tokens=tokens)
        return most_unsplit(await self._oldest_first(rows), whole_turns=whole_turns)

    async def _fetch(self, statement: Any, conversation_id: UUID, **arguments: Any) -> Rows:
        chat = check_id(conversation_id, "conversation_id")
        return await self._execution.fetch(statement, owner=self._user_id, chat=chat, **arguments)


def _place(scope: Sequence[str], given: int | str, field: str) -> int:
    return read_position_cursor(scope, given, field) if isinstance(given, str) else check_position(given, field)
