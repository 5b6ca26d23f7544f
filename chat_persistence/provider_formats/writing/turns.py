"""Messages as turns that a provider takes: parallel calls in one, and directly after them their results."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from chat_persistence.provider_formats.parts import Call, Reasoning, Result, Turn
from chat_persistence.provider_formats.reading.format import Format
from chat_persistence.provider_formats.reading.messages import turns_of
from chat_persistence.values import MessageCreate, MessageRead


def turns_for(format: Format[Any], messages: Iterable[MessageRead | MessageCreate]) -> list[Turn]:
    """Return what messages say; what the format has said itself is in each turn's `item`, and as it is.

    Where all is the format's own, its order is kept, too.
    """
    turns = [turn for message in messages for turn in turns_of(message, format)]
    return turns if all(turn.item for turn in turns) else placed(turns)


def placed(turns: Iterable[Turn]) -> list[Turn]:
    """Return turns that hold results or anything else, not both: calls made together, and then what came of them.

    A result knows the name of its tool where its call is before it. What nothing came of stays a call, and a result
    whose call is not there stays where it is.
    """
    slots: list[_Slot] = []
    calls: dict[str, tuple[Call, _Slot]] = {}
    for turn in _apart(turns):
        if turn.speaker == "tool":
            _place_results(turn, slots, calls)
            continue
        if slots and _is_parallel(slots[-1], turn):
            slots[-1].turn = slots[-1].turn.with_parts(*slots[-1].turn.parts, *turn.parts)
        else:
            slots.append(_Slot(turn))
        calls |= {call.id: (call, slots[-1]) for call in turn.calls}
    return [turn for slot in slots for turn in (slot.turn, *slot.results)]


@dataclass(slots=True)
class _Slot:
    turn: Turn
    results: list[Turn] = field(default_factory=list)


def _apart(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Yield each turn, in turns of its results and of all else where it is to be written."""
    for turn in turns:
        if turn.item:
            yield turn
            continue
        for are_results, parts in groupby(turn.parts, lambda part: isinstance(part, Result)):
            yield Turn("tool" if are_results else turn.speaker, tuple(parts))


def _is_parallel(slot: _Slot, turn: Turn) -> bool:
    """Whether a turn has but calls, made before anything came of those in the slot."""
    to_write = not turn.item and not slot.turn.item
    only_calls = turn.calls and all(isinstance(part, Call | Reasoning) for part in turn.parts)
    return bool(to_write and only_calls and slot.turn.calls and not slot.results)


def _place_results(turn: Turn, slots: list[_Slot], calls: dict[str, tuple[Call, _Slot]]) -> None:
    for piece in [turn] if turn.item else [turn.with_parts(part) for part in turn.parts]:
        call, slot = next((calls[result.id] for result in piece.results if result.id in calls), (None, None))
        if call is None or slot is None:
            slots.append(_Slot(piece))
        else:
            slot.results.append(piece if piece.item else _named(piece, call))


def _named(turn: Turn, call: Call) -> Turn:
    return turn.with_parts(*(replace(result, name=result.name or call.name) for result in turn.results))
