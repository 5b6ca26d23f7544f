"""How a rewind is run: once more when the log moved meanwhile, and found out about when its answer is lost."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from chat_persistence.errors import (
    ChatPersistenceError,
    ConcurrentAppend,
    ConversationChanged,
    ConversationNotFound,
    OutcomeUnknown,
)
from chat_persistence.execution import Execution
from chat_persistence.rows import conversation_from
from chat_persistence.statements import conversations, messages, rewinding
from chat_persistence.translation import has_hit_a_limit
from chat_persistence.values import ConversationRead

REWIND_ATTEMPTS = 5


class Rewinder:
    """Runs the statement of `statements.rewinding` for one user."""

    def __init__(self, user_id: str, execution: Execution) -> None:
        self._user_id = user_id
        self._execution = execution

    async def rewind(self, arguments: dict[str, Any]) -> ConversationRead:
        """Return the conversation as it was rewound, or raise one of our errors."""
        try:
            return await self._rewind(arguments, repeatable=False)
        except OutcomeUnknown as unknown:
            # Where a position is expected, no repetition deletes what was appended since. Another wait is the caller's.
            if arguments["expected"] is None or has_hit_a_limit(unknown):
                raise
            lost = unknown
        try:
            found = await self._find_out(arguments)
        except ChatPersistenceError:
            found = None
        if found is None:
            raise lost
        return found

    async def _rewind(self, arguments: dict[str, Any], *, repeatable: bool) -> ConversationRead:
        conversation_id, expected_position = arguments["chat"], arguments["expected"]
        for _ in range(REWIND_ATTEMPTS):
            rows = await self._execution.fetch(
                rewinding.rewind, owner=self._user_id, repeatable=repeatable, **arguments
            )
            if rows:
                return conversation_from(rows[0])
            found = await self._execution.fetch(conversations.get, owner=self._user_id, chat=conversation_id)
            if not found:
                raise ConversationNotFound(conversation_id)
            last_position = conversation_from(found[0]).last_position
            if expected_position not in (None, last_position):
                raise ConversationChanged(conversation_id, expected_position, last_position)
        raise ConcurrentAppend

    async def _find_out(self, arguments: dict[str, Any]) -> ConversationRead | None:
        with suppress(ConversationChanged):
            return await self._rewind(arguments, repeatable=True)
        rows = await self._execution.fetch(
            messages.conversation_with_last, owner=self._user_id, chat=arguments["chat"], how_many=1
        )
        return _as_rewound(rows[0], arguments["place"], arguments["expected"]) if rows else None


def _as_rewound(row: Sequence[Any], to_position: int, expected_position: int) -> ConversationRead | None:
    # One that deletes something takes a position, and leaves no message after its own: so does an equal one only, and
    # no append.
    width = len(conversations.COLUMNS)
    conversation = conversation_from(row[:width])
    _, _, newest, *_ = row[width:]
    is_next = conversation.last_position == expected_position + 1
    return conversation if is_next and (newest or 0) == to_position < expected_position else None
