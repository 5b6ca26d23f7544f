"""The checker of histories: what cannot be is found, each by its name, and what can be is left alone."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_persistence.selftest.history import Anomaly, Append, Entry, Log, Logs, Outcome, Read, findings

LOG = Log("ada", UUID(int=1))
OTHER = Log("ada", UUID(int=2))
SOMEBODY_ELSES = Log("bob", UUID(int=1))

STORED, REFUSED, UNKNOWN = Outcome.STORED, Outcome.REFUSED, Outcome.UNKNOWN


def ids(letters: str) -> tuple[UUID, ...]:
    return tuple(UUID(int=ord(letter)) for letter in letters)


def entries(letters: str) -> tuple[Entry, ...]:
    """Return messages by position, one a letter; a blank is a position that is left out."""
    numbered = enumerate(letters, 1)
    return tuple(Entry(position, ids(letter)[0]) for position, letter in numbered if letter != " ")


def append(letters: str, called: int, answered: int, outcome: Outcome, *positions: int, **more: Any) -> Append:
    return Append(more.pop("log", LOG), ids(letters), called, answered, outcome, positions, **more)


def read(seen: tuple[Entry, ...], called: int = 8, answered: int = 9, limit: int = 5, **more: Any) -> Read:
    return Read(LOG, called, answered, seen, limit, **more)


def found(appends: list[Append], reads: list[Read], logs: Logs) -> set[Anomaly]:
    return {finding.anomaly for finding in findings(appends, reads, logs)}


A = append("a", 1, 2, STORED, 1)
B = append("b", 3, 4, STORED, 2)
AB = {LOG: entries("ab")}


@pytest.mark.parametrize(
    ("appends", "reads", "logs", "anomaly"),
    [
        ([A], [], {LOG: ()}, Anomaly.LOST),
        ([A, append("bc", 3, 4, STORED, 2, 3)], [], {LOG: entries("a")}, Anomaly.LOST),
        ([A], [], {SOMEBODY_ELSES: ()}, Anomaly.LOST),
        ([A, append("b", 1, 4, STORED, 1)], [], AB, Anomaly.MOVED),
        ([A, B], [], {LOG: entries("aba")}, Anomaly.TWICE),
        ([A, append("a", 1, 2, UNKNOWN, log=OTHER)], [], {LOG: entries("a"), OTHER: entries("a")}, Anomaly.TWICE),
        ([A], [], AB, Anomaly.PHANTOM),
        ([A], [], {LOG: entries("a"), SOMEBODY_ELSES: entries("a")}, Anomaly.PHANTOM),
        ([A, append("b", 3, 4, REFUSED)], [], AB, Anomaly.UNDEAD),
        ([A, append("bc", 3, 4, UNKNOWN)], [], AB, Anomaly.TORN),
        ([A, append("cb", 3, 4, UNKNOWN)], [], AB, Anomaly.TORN),
        ([A, append("bc", 3, 4, UNKNOWN)], [], {LOG: entries("acb")}, Anomaly.TORN),
        ([append("ac", 1, 5, UNKNOWN), append("b", 3, 4, STORED, 2)], [], {LOG: entries("abc")}, Anomaly.TORN),
        ([A, append("b", 3, 4, STORED, 3)], [], {LOG: entries("a b")}, Anomaly.GAP),
        ([append("a", 1, 2, STORED, 2)], [], {LOG: entries(" a")}, Anomaly.GAP),
        ([A, B], [], {LOG: entries("ba")}, Anomaly.REORDERED),
        ([append("b", 3, 4, UNKNOWN), A], [], {LOG: entries("ba")}, Anomaly.REORDERED),
        (
            [append("a", 1, 9, UNKNOWN), append("a", 7, 8, STORED, 2), append("b", 3, 4, STORED, 1)],
            [],
            {LOG: entries("ba")},
            None,
        ),
        ([append("a", 5, 6, UNKNOWN), append("b", 3, 9, STORED, 2)], [read(entries("a"), 1, 2)], AB, Anomaly.REORDERED),
        ([A, append("b", 3, 4, STORED, 2, expected=0)], [], AB, Anomaly.UNEXPECTED),
        ([A, append("b", 3, 4, STORED, 2, expected=1)], [], AB, None),
        ([A, B], [read(entries("a"))], AB, Anomaly.STALE),
        ([A, B], [read(())], AB, Anomaly.STALE),
        ([A, B], [read((), after=1)], AB, Anomaly.STALE),
        ([A, B], [read(entries("a"), after=0)], AB, Anomaly.STALE),
        ([A, B], [read(entries("a"), after=0, limit=1)], AB, None),
        ([A, append("b", 1, 9, STORED, 2)], [read(entries("ab"), 3, 4), read(entries("a"), 5, 6)], AB, Anomaly.STALE),
        ([A, append("b", 1, 9, UNKNOWN)], [read(entries("ab"), 3, 6), read(entries("a"), 5, 7)], AB, None),
        ([A, B], [read(entries("ac"))], AB, Anomaly.MISREAD),
        ([A, B], [read(entries("ab")[1:])], AB, Anomaly.MISREAD),
        ([A, B], [read(entries("ab"), limit=1)], AB, Anomaly.MISREAD),
        ([A, B], [read(entries("ab")[1:], after=0)], AB, Anomaly.MISREAD),
        ([A, B], [read(entries("abc"))], AB, Anomaly.MISREAD),
        ([A, B], [read(entries("ab"), counted=3)], AB, Anomaly.MISREAD),
        ([A, B], [read(entries("ab"), counted=2)], AB, None),
    ],
)
def test_what_cannot_be_is_found(appends: list[Append], reads: list[Read], logs: Logs, anomaly: Anomaly | None) -> None:
    anomalies = found(appends, reads, logs)

    assert anomaly in anomalies or (anomaly is None and not anomalies)


@pytest.mark.parametrize(("there", "anomalies"), [("", set()), ("a", {Anomaly.TORN}), ("b", {Anomaly.TORN})])
def test_half_a_unit_of_work_is_found(there: str, anomalies: set[Anomaly]) -> None:
    parts = [append(letter, 1, 2, UNKNOWN, log=log, unit=UUID(int=9)) for letter, log in (("a", LOG), ("b", OTHER))]
    logs = {LOG: entries(there if there == "a" else ""), OTHER: entries(there if there == "b" else "")}

    assert found(parts, [], logs) == anomalies


def test_a_unit_of_work_that_is_there_is_whole() -> None:
    parts = [
        append("a", 1, 2, STORED, 1, unit=UUID(int=9)),
        append("b", 1, 2, STORED, 1, log=OTHER, unit=UUID(int=9)),
    ]

    assert found(parts, [], {LOG: entries("a"), OTHER: entries("b")}) == set()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["stored", "refused", "unknown, stored", "unknown, dropped", "sent twice", "newest", "after"]),
        st.integers(1, 3),  # messages
        st.integers(0, 3),  # how long before its moment it was called
        st.integers(0, 3),  # how long after it was answered
    ),
    max_size=20,
)


@given(steps=STEPS)
def test_a_history_that_happened_is_right(steps: list[tuple[str, int, int, int]]) -> None:
    """Each call takes effect at a moment between its call and its answer, whatever overlaps."""
    log: list[Entry] = []
    appends: list[Append] = []
    reads: list[Read] = []
    for moment, (step, number, before, after) in enumerate(steps):
        # Odd moments are calls and even ones answers, so that no two are one.
        called, answered = 100 * (moment - before) + 2 * moment + 1, 100 * (moment + after) + 2 * moment + 52
        if step in ("newest", "after"):
            place = len(log) // 2 if step == "after" else None
            seen = log[-number:] if place is None else log[place : place + number]
            reads.append(Read(LOG, called, answered, tuple(seen), number, place))
            continue
        sent = tuple(UUID(int=1000 * moment + index + 1) for index in range(number))
        positions = tuple(range(len(log) + 1, len(log) + number + 1))
        if step not in ("refused", "unknown, dropped"):
            log += map(Entry, positions, sent)
        outcome = {"stored": STORED, "refused": REFUSED, "sent twice": STORED}.get(step, UNKNOWN)
        answer = positions if outcome is STORED else ()
        appends.append(Append(LOG, sent, called, answered, outcome, answer))
        if step == "sent twice":
            appends.append(Append(LOG, sent, called - 1000, answered + 1000, UNKNOWN))

    assert found(appends, reads, {LOG: log}) == set()
