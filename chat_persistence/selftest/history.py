"""A recorded history of appends and reads, held against what the logs are at the end: each contradiction is named.

Logs only grow here, by appends. Each has one order, that of its positions, so a history is right when every append
and every read has a place in it that agrees with the clock: what was answered before another was called comes first.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
from uuid import UUID


class Log(NamedTuple):
    """One conversation of one user: the same id of another user is another log."""

    user_id: str
    conversation_id: UUID


class Entry(NamedTuple):
    """A message in its place."""

    position: int
    id: UUID


class Outcome(Enum):
    """What a client knows of its append."""

    STORED = "stored"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """Cancelled, or the answer was lost: it may have been stored, or may yet be."""


class Anomaly(Enum):
    """What cannot be, when every promise is kept."""

    LOST = "acknowledged, and not stored"
    MOVED = "stored elsewhere than was answered"
    TWICE = "stored twice"
    PHANTOM = "stored, and never sent"
    UNDEAD = "refused, and stored"
    TORN = "stored in part"
    GAP = "positions left out"
    REORDERED = "sent after another was answered, and stored before it"
    UNEXPECTED = "stored past the position that was expected"
    STALE = "reads that missed what had been answered before"
    MISREAD = "reads of what the log does not say"


class Finding(NamedTuple):
    """One anomaly, and where it is."""

    anomaly: Anomaly
    log: Log
    place: object


@dataclass(frozen=True, slots=True)
class Append:
    """One call, with the count of calls and answers at which it was called and answered.

    `unit` is what appends of one unit of work have in common: they are stored together or not at all.
    """

    log: Log
    ids: tuple[UUID, ...]
    called: int
    answered: int
    outcome: Outcome
    positions: tuple[int, ...] = ()
    expected: int | None = None
    unit: UUID | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """One answered read: of the newest `limit` messages, or of the oldest `limit` after a position."""

    log: Log
    called: int
    answered: int
    seen: tuple[Entry, ...]
    limit: int
    after: int | None = None
    counted: int | None = None
    """The conversation's own last position, where one statement read both."""

    @property
    def reached(self) -> int:
        """The highest position that it proves to have been there."""
        return self.seen[-1].position if self.seen else self.after or 0

    @property
    def saw_the_end(self) -> bool:
        """Whether it says that nothing came after."""
        return self.after is None or len(self.seen) < self.limit


Logs = Mapping[Log, Sequence[Entry]]
Places = Mapping[Log, Mapping[UUID, int]]


def findings(appends: Sequence[Append], reads: Sequence[Read], logs: Logs) -> Iterator[Finding]:
    """Yield every anomaly of a history whose calls have all settled; `logs` are all logs, by position."""
    places = {log: {entry.id: entry.position for entry in entries} for log, entries in logs.items()}
    yield from _of_logs(logs)
    yield from _of_senders(appends, logs)
    for append in appends:
        yield from _of_append(append, places.get(append.log, {}))
    yield from _of_units(appends, places)
    for read in reads:
        yield from _of_read(read, logs.get(read.log, ()))
    yield from _of_time(appends, reads, places)


def _of_logs(logs: Logs) -> Iterator[Finding]:
    owned: set[tuple[str, UUID]] = set()
    for log, entries in logs.items():
        if [entry.position for entry in entries] != list(range(1, len(entries) + 1)):
            yield Finding(Anomaly.GAP, log, len(entries))
        for entry in entries:
            if (log.user_id, entry.id) in owned:
                yield Finding(Anomaly.TWICE, log, entry)
            owned.add((log.user_id, entry.id))


def _of_senders(appends: Sequence[Append], logs: Logs) -> Iterator[Finding]:
    sent: dict[Log, set[UUID]] = defaultdict(set)
    refused: dict[Log, set[UUID]] = defaultdict(set)
    for append in appends:
        (refused if append.outcome is Outcome.REFUSED else sent)[append.log].update(append.ids)
    for log, entries in logs.items():
        for entry in entries:
            if entry.id not in sent[log]:
                yield Finding(Anomaly.UNDEAD if entry.id in refused[log] else Anomaly.PHANTOM, log, entry)


def _of_append(append: Append, places: Mapping[UUID, int]) -> Iterator[Finding]:
    if append.outcome is Outcome.REFUSED:
        return
    stored = [places.get(each) for each in append.ids]
    first = stored[0]
    if any(position is not None for position in stored):
        if first is None or stored != list(range(first, first + len(stored))):
            yield Finding(Anomaly.TORN, append.log, append)
    elif append.outcome is Outcome.STORED:
        yield Finding(Anomaly.LOST, append.log, append)
    if append.outcome is Outcome.STORED:
        if None not in stored and tuple(stored) != append.positions:
            yield Finding(Anomaly.MOVED, append.log, append)
        if append.expected is not None and append.positions[0] != append.expected + 1:
            yield Finding(Anomaly.UNEXPECTED, append.log, append)


def _of_units(appends: Sequence[Append], places: Places) -> Iterator[Finding]:
    units: dict[UUID, list[Append]] = defaultdict(list)
    for append in appends:
        if append.unit is not None:
            units[append.unit].append(append)
    for unit, parts in units.items():
        if len({part.ids[0] in places.get(part.log, {}) for part in parts}) > 1:
            yield Finding(Anomaly.TORN, parts[0].log, unit)


def _of_read(read: Read, entries: Sequence[Entry]) -> Iterator[Finding]:
    first = (read.reached - len(read.seen) if read.after is None else read.after) + 1
    last = first + len(read.seen) - 1
    is_short = read.after is None and len(read.seen) < min(read.limit, read.reached)
    is_miscounted = read.counted not in (None, read.reached)
    is_other = len(read.seen) > read.limit or tuple(entries[first - 1 : last]) != read.seen
    if is_short or is_miscounted or is_other:
        yield Finding(Anomaly.MISREAD, read.log, read)


class _Call(NamedTuple):
    """What an append or a read says of its log: when it was called, what it must come after, what it proves."""

    called: int
    answered: int | None
    room: int | None
    """The highest position that may have been there before; None when it tells nothing."""
    reached: int
    late: Finding
    """What it is when there was more before."""


def _of_time(appends: Sequence[Append], reads: Sequence[Read], places: Places) -> Iterator[Finding]:
    calls: dict[Log, list[_Call]] = defaultdict(list)
    for append in _by_first_call(appends):
        positions = [places.get(append.log, {}).get(each) for each in append.ids]
        first, last = positions[0], positions[-1]
        if first is not None and last is not None:
            answered = append.answered if append.outcome is Outcome.STORED else None
            late = Finding(Anomaly.REORDERED, append.log, append)
            calls[append.log].append(_Call(append.called, answered, first - 1, last, late))
    for read in reads:
        room = read.reached if read.saw_the_end else None
        late = Finding(Anomaly.STALE, read.log, read)
        calls[read.log].append(_Call(read.called, read.answered, room, read.reached, late))
    for of_log in calls.values():
        yield from _late(of_log)


def _by_first_call(appends: Sequence[Append]) -> Iterator[Append]:
    """Yield each append once, however often it was sent: called when it was first, answered when it was first."""
    sendings: dict[tuple[Log, tuple[UUID, ...]], list[Append]] = defaultdict(list)
    for append in appends:
        if append.outcome is not Outcome.REFUSED:
            sendings[append.log, append.ids].append(append)
    for (log, ids), same in sendings.items():
        called = min(append.called for append in same)
        answers = [append.answered for append in same if append.outcome is Outcome.STORED]
        outcome = Outcome.STORED if answers else Outcome.UNKNOWN
        yield Append(log, ids, called, min(answers, default=0), outcome)


def _late(calls: Sequence[_Call]) -> Iterator[Finding]:
    moments = [(call.called, call, True) for call in calls]
    moments += [(call.answered, call, False) for call in calls if call.answered is not None]
    reached = 0
    for _, call, is_called in sorted(moments, key=lambda moment: moment[0]):
        if not is_called:
            reached = max(reached, call.reached)
        elif call.room is not None and call.room < reached:
            yield call.late
