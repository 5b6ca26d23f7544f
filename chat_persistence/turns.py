"""Which messages make whole turns: from a user message to the next one, no tool call cut from its result."""

from collections.abc import Sequence

from chat_persistence.models import MessageRole
from chat_persistence.values import MessageRead


def starts_turn(message: MessageRead) -> bool:
    """Whether a turn begins here; a user-side message that carries tool results belongs to the turn before."""
    return message.role is MessageRole.USER and not message.tool_calls


def is_whole(messages: Sequence[MessageRead]) -> bool:
    """Whether the messages begin a turn and hold the call of every result among them."""
    return not messages or (starts_turn(messages[0]) and 0 in _whole_places(messages))


def newest_whole_turns(messages: Sequence[MessageRead], start: int, *, rather_fewer: bool) -> list[MessageRead]:
    """Return the messages from the whole place at `start` on, or the nearest one; empty when there is none.

    `rather_fewer` looks among newer places first, and among older ones else.
    """
    places = _whole_places(messages)
    newer = [place for place in places if place >= start][:1]
    older = [place for place in places if place <= start][-1:]
    nearest = newer + older if rather_fewer else older + newer
    return list(messages[nearest[0] :]) if nearest else []


def _whole_places(messages: Sequence[MessageRead]) -> list[int]:
    places: list[int] = []
    calls: set[str] = set()
    orphans: set[str] = set()
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.tool_calls:
            calls.update(call.id for call in message.tool_calls if call.is_call)
            orphans.update(call.id for call in message.tool_calls if call.has_result)
            orphans -= calls
        elif not orphans and starts_turn(message):
            places.append(place)
    return places[::-1]
