"""The faults under which every public method is called."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from chat_persistence.selftest.forgery import Forgery, message, refusal
from chat_persistence.selftest.staging import (
    Stage,
    backends_terminated,
    black_hole,
    elsewhere,
    forged,
    no_connection_free,
    tables_changed,
)

OF_MIGRATIONS = frozenset({"check", "migrate"})
"""They have connections of their own, and read one table of their own."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`is_transient` says whether the same call may succeed when it is made again: what `retryable` has to say.

    None where the driver chokes on the answer or waits for its end in vain, as the moment has it: both are right.

    Of one that `loses_outcomes` nobody says what became of a call. `spares` are the methods that it does not touch.
    """

    name: str
    is_transient: bool | None
    stage: Stage
    spares: frozenset[str] = frozenset()
    loses_outcomes: bool = False


def _refused(name: str, sqlstate: str, *, is_transient: bool, loses_outcomes: bool = False) -> Fault:
    stage = partial(forged, forge=lambda says: Forgery(refusal(sqlstate, says)))
    return Fault(f"{name} ({sqlstate})", is_transient, stage, loses_outcomes=loses_outcomes)


def _turned_away(name: str, sqlstate: str, *, is_transient: bool) -> Fault:
    def forge(says: str) -> Forgery:
        return Forgery(refusal(sqlstate, says, severity="FATAL"), greets=True, hangs_up=True)

    return Fault(f"{name} ({sqlstate})", is_transient, partial(forged, forge=forge))


def _silent(name: str, forge: Callable[[str], Forgery], *, is_transient: bool | None = True) -> Fault:
    stage = partial(forged, forge=forge, is_impatient=forge in (_endless, _garbled))
    return Fault(name, is_transient, stage, loses_outcomes=True)


def _dismissed(says: str) -> Forgery:
    return Forgery(refusal("57P01", says, severity="FATAL"), hangs_up=True)


def _garbled(says: str) -> Forgery:
    # A description of 32,767 columns, and a row of as many, both without them.
    body = b"\x7f\xff" + says.encode()
    return Forgery(message(b"T", body) + message(b"D", body) + message(b"Z", b"I"))


def _endless(says: str) -> Forgery:
    return Forgery(message(b"N", b"M" + says.encode() + b"\0\0"))


def _renamed(name: str, what: str, back: str, tables: Sequence[str], *spares: str) -> Fault:
    change, undo = (";".join(f"ALTER TABLE {words.format(table=table)}" for table in tables) for words in (what, back))
    stage = partial(tables_changed, change=change, undo=undo)
    return Fault(name, False, stage, OF_MIGRATIONS | {*spares})


FAULTS: tuple[Fault, ...] = (
    Fault("nobody listens", True, partial(elsewhere, host="127.0.0.1")),
    Fault("no such host", True, partial(elsewhere, host="nobody.invalid")),
    _turned_away("wrong password", "28P01", is_transient=False),
    _turned_away("no such database", "3D000", is_transient=False),
    _turned_away("too many connections", "53300", is_transient=True),
    _turned_away("starting up", "57P03", is_transient=True),
    _silent("shutting down (57P01)", _dismissed),
    _silent("question lost", lambda _: Forgery(b"", hangs_up=True)),
    _silent("answer lost", lambda _: Forgery(b"", loses_answer=True)),
    _silent("answer without an end", _endless),
    # Whoever says such things does not speak PostgreSQL's protocol.
    _silent("answer garbled", _garbled, is_transient=None),
    Fault("black hole", True, black_hole, loses_outcomes=True),
    Fault("backends terminated while they wait", True, backends_terminated, OF_MIGRATIONS, loses_outcomes=True),
    Fault("no connection free", True, no_connection_free, OF_MIGRATIONS),
    _refused("serialization failure", "40001", is_transient=True),
    _refused("deadlock", "40P01", is_transient=True),
    _refused("lock not available", "55P03", is_transient=True),
    _refused("statement cancelled", "57014", is_transient=True),
    _refused("read-only", "25006", is_transient=True),
    _refused("disk full", "53100", is_transient=True),
    # Poolers answer so when their own line has broken.
    _refused("internal error", "XX000", is_transient=True, loses_outcomes=True),
    _refused("permission denied", "42501", is_transient=False),
    _refused("constraint violated", "23514", is_transient=False),
    _refused("too large", "54000", is_transient=False),
    _renamed(
        "tables missing",
        "{table} RENAME TO {table}_gone",
        "{table}_gone RENAME TO {table}",
        ("conversations", "drafts", "messages", "user_keys"),
    ),
    _renamed(
        "column missing",
        "{table} RENAME metadata TO gone",
        "{table} RENAME gone TO metadata",
        ("conversations", "messages"),
        *("conversations.delete", "conversations.usage", "usage", "erase", "erase dry", "prune", "users"),
        *("drafts", "drafts.write", "drafts.page", "drafts.discard", "rotate_keys"),
    ),
)
