"""Messages as turns that a provider takes: parallel calls in one, and directly after them their results."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, count, groupby
from typing import Any

from chat_persistence.provider_formats.parts import Call, Part, Reasoning, Result, Turn
from chat_persistence.provider_formats.reading.format import Format
from chat_persistence.provider_formats.reading.messages import turns_of
from chat_persistence.values import MessageCreate, MessageRead


def turns_for(
    format: Format[Any], messages: Iterable[MessageRead | MessageCreate], *, unique_ids: bool = True
) -> list[Turn]:
    """Return what messages say; what the format has said itself is in each turn's `item`, and as it is.

    Where all is the format's own, its order is kept, too. Else turns are placed, and what no provider takes is left
    out where it would have to be written: a result whose call is not there, and a call of which nothing came although
    the chat went on.
    """
    turns = [replace(turn, message_id=message.id) for message in messages for turn in turns_of(message, format)]
    if all(turn.item for turn in turns):
        return turns
    sequence = _Sequence(turns, unique_ids)
    sequence.drop_unanswered()
    return sequence.turns


def placed(turns: Iterable[Turn], *, unique_ids: bool = False) -> list[Turn]:
    """Return turns that hold results or anything else, not both: calls made together, and then what came of them.

    A result is that of the nearest call before it of that id to which there is none yet; it gets the tool's name.
    A call whose id is that of another one without a result gets another id, and its result, too; with `unique_ids`, one
    whose id was ever used before.
    """
    return _Sequence(list(turns), unique_ids).turns


def with_results_together(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Yield turns with all results that follow each other in one, for the formats that want those of a step so."""
    for are_results, run in groupby(turns, lambda turn: not turn.item and turn.has_only_results):
        if are_results:
            first, *rest = run
            yield first.with_parts(*first.parts, *(part for turn in rest for part in turn.parts))
        else:
            yield from run


@dataclass(slots=True)
class _Slot:
    first: Turn
    parts: list[Part]
    """Those of the first turn, and the calls that were made together with its own."""
    results: list[Turn] = field(default_factory=list)
    open: set[str] = field(default_factory=set)

    @property
    def turn(self) -> Turn:
        """What is said there, before anything comes of it."""
        return self.first if self.first.item else self.first.with_parts(*self.parts)

    def drop_open_calls(self) -> None:
        """Leave out the calls of which nothing came, where the turn is to be written."""
        self.parts = [part for part in self.parts if not (isinstance(part, Call) and part.id in self.open)]


class _Sequence:
    def __init__(self, turns: list[Turn], unique_ids: bool) -> None:
        self._unique_ids = unique_ids
        self._slots: list[_Slot] = []
        # By the ids that were given: in each slot, the calls of which nothing came yet.
        self._open: defaultdict[str, list[tuple[_Slot, deque[Call]]]] = defaultdict(list)
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
        # Those of the format's own calls cannot be changed.
        self._ids = {call.id for turn in turns if turn.item and unique_ids for call in turn.calls}
        for turn in _apart(turns):
            if turn.has_only_results:
                self._add_results(turn)
            else:
                self._add(turn)

    @property
    def turns(self) -> list[Turn]:
        """What there is, in its order."""
        return [turn for slot in self._slots for turn in (slot.turn, *slot.results)]

    def drop_unanswered(self) -> None:
        """Leave out results without calls, and calls without results but for the last."""
        slots = [slot for slot in self._slots if slot.turn.item or not slot.turn.has_only_results]
        for slot in slots[:-1]:
            slot.drop_open_calls()
        self._slots = [slot for slot in slots if slot.turn.item or slot.turn.parts]

    def _add(self, turn: Turn) -> None:
        renamed = turn.with_parts(*(part if turn.item else self._with_id_of_its_own(part) for part in turn.parts))
        slot = self._slot_for(renamed)
        for given, call in zip(turn.calls, renamed.calls, strict=True):
            self._ids.add(call.id)
            self._wait(given.id, call, slot)
            slot.open.add(call.id)
        for result in turn.results:
            self._answer(result)

    def _with_id_of_its_own(self, part: Part) -> Part:
        if not isinstance(part, Call):
            return part
        names = chain([part.id], (f"{part.id}-{number}" for number in self._numbers[part.id]))
        name = next(name for name in names if name not in self._ids)
        self._ids.add(name)
        return replace(part, id=name)

    def _slot_for(self, turn: Turn) -> _Slot:
        if self._slots and _is_parallel(self._slots[-1], turn):
            self._slots[-1].parts += turn.parts
        else:
            self._slots.append(_Slot(turn, [*turn.parts]))
        return self._slots[-1]

    def _wait(self, given_id: str, call: Call, slot: _Slot) -> None:
        waiting = self._open[given_id]
        if not waiting or waiting[-1][0] is not slot:
            waiting.append((slot, deque()))
        waiting[-1][1].append(call)

    def _add_results(self, turn: Turn) -> None:
        for piece in [turn] if turn.item else [turn.with_parts(result) for result in turn.results]:
            answered = [self._answer(result) for result in piece.results]
            slot = next((slot for _, slot in answered if slot), None)
            named = piece.with_parts(*(result for result, _ in answered))
            if [result.id for result in named.results] != [result.id for result in piece.results]:
                named = replace(named, item=None)
            if slot:
                slot.results.append(named)
            else:
                self._slots.append(_Slot(named, [*named.parts]))

    def _answer(self, result: Result) -> tuple[Result, _Slot | None]:
        """Return a result with the id and the name that its call has, and where that is."""
        waiting = self._open[result.id]
        if not waiting:
            return result, None
        # Of the nearest turn, the first: results of calls that nothing tells apart come in the order of these.
        slot, calls = waiting[-1]
        call = calls.popleft()
        if not calls:
            waiting.pop()
        if not self._unique_ids:
            self._ids.discard(call.id)
        slot.open.discard(call.id)
        return replace(result, id=call.id, name=result.name or call.name), slot


def _apart(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Yield each turn, in turns of its results and of all else where it is to be written."""
    for turn in turns:
        if turn.item:
            yield turn
            continue
        for are_results, parts in groupby(turn.parts, lambda part: isinstance(part, Result)):
            yield replace(turn, speaker="tool" if are_results else turn.speaker, parts=tuple(parts))


def _is_parallel(slot: _Slot, turn: Turn) -> bool:
    """Whether a turn has but calls, made before anything came of those in the slot."""
    to_write = not turn.item and not slot.first.item
    only_calls = turn.calls and all(isinstance(part, Call | Reasoning) for part in turn.parts)
    return bool(to_write and only_calls and slot.first.calls and not slot.results)
