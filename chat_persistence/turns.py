"""Which ends of a log hold no tool's result without its call, and which of them are whole turns."""

from collections.abc import Sequence

from chat_persistence.models import MessageRole
from chat_persistence.values import MessageRead


def starts_turn(message: MessageRead) -> bool:
    """Whether a turn begins here; a user-side message that carries tool results belongs to the turn before."""
    return message.role is MessageRole.USER and not message.tool_calls


def is_whole(messages: Sequence[MessageRead]) -> bool:
    """Whether the messages begin a turn and hold the call of every result among them."""
    return not messages or (starts_turn(messages[0]) and 0 in _unsplit_places(messages))


def newest_whole_turns(messages: Sequence[MessageRead], start: int, *, rather_fewer: bool) -> list[MessageRead]:
    """Return the messages from the whole place at `start` on, or the nearest one; empty when there is none.

    `rather_fewer` looks among newer places first, and among older ones else.
    """
    places = _whole_places(messages)
    newer = [place for place in places if place >= start][:1]
    older = [place for place in places if place <= start][-1:]
    nearest = newer + older if rather_fewer else older + newer
    return list(messages[nearest[0] :]) if nearest else []


def most_unsplit(messages: Sequence[MessageRead], *, whole_turns: bool) -> list[MessageRead]:
    """Return as many of the newest messages as hold the call of every result among them, and perhaps begin a turn."""
    places = _whole_places(messages) if whole_turns else _unsplit_places(messages)
    return list(messages[places[0] :]) if places else []


def _whole_places(messages: Sequence[MessageRead]) -> list[int]:
    return [place for place in _unsplit_places(messages) if starts_turn(messages[place])]


def _unsplit_places(messages: Sequence[MessageRead]) -> list[int]:
    places: list[int] = []
    waiting: set[str] = set()
    for place in range(len(messages) - 1, -1, -1):
        calls = messages[place].tool_calls
        waiting.update(call.id for call in calls if call.has_result)
        # The newest call before a result is its own: some runtimes count their ids anew in each turn.
        waiting.difference_update(call.id for call in calls if call.is_call)
        if not waiting:
            places.append(place)
    return places[::-1]
