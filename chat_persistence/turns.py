"""Which messages make whole turns: from a user message to the next one, no tool call cut from its result."""

from collections.abc import Sequence

from chat_persistence.models import MessageRole
from chat_persistence.values import MessageRead


def starts_turn(message: MessageRead) -> bool:
    """Whether a turn begins here; a user-side message that carries tool results belongs to the turn before."""
    return message.role is MessageRole.USER and not message.tool_calls


def is_whole(messages: Sequence[MessageRead]) -> bool:
    """Whether the messages begin a turn and hold the call of every result among them."""
    return not messages or (starts_turn(messages[0]) and not _orphans(messages))


def newest_whole_turns(messages: Sequence[MessageRead], start: int) -> list[MessageRead]:
    """Return the messages from the newest whole place at or before `start` on; empty when there is none."""
    for index in range(min(start, len(messages) - 1), -1, -1):
        if is_whole(messages[index:]):
            return list(messages[index:])
    return []


def _orphans(messages: Sequence[MessageRead]) -> set[str]:
    calls: set[str] = set()
    results: set[str] = set()
    for message in messages:
        calls.update(call.id for call in message.tool_calls if call.is_call)
        results.update(call.id for call in message.tool_calls if call.has_result)
    return results - calls
