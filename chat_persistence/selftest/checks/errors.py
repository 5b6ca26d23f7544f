"""Faults of all kinds under every public method: only our errors come out, and they tell nobody's secrets."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from chat_persistence import ChatPersistenceError, ChatStore, OutcomeUnknown
from chat_persistence.selftest.arena import Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.faults import FAULTS, Fault
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.log_watch import watched
from chat_persistence.selftest.methods import IN_UNITS, METHODS, Target, new_target
from chat_persistence.selftest.scale import Scale
from chat_persistence.selftest.staging import Planted, Staged

STAGED_AT_ONCE = 12
PATIENCE_SECONDS = 30.0
"""A load tries again for ten seconds; nothing takes longer."""

NOT_REPEATABLE = frozenset({"messages.rewind", "messages.rewind expecting", *IN_UNITS})

_log = logging.getLogger(__name__)


async def run(arena: Arena, _: Scale) -> AsyncIterator[Figure]:
    """Call every method under every fault, and again when it is over."""
    planted = Planted()
    matrix = Matrix(planted)
    with watched(planted.text, planted.password, planted.says) as watch:
        await matrix.fill(arena)
    for complaint in matrix.complaints + watch.found:
        _log.warning("%s", complaint)
    yield everything(f"calls that met one of {len(FAULTS)} faults", matrix.met, matrix.meant_to_meet)
    yield nothing("errors that are not the library's", matrix.foreign, matrix.met)
    yield nothing("errors that are wrong about a retry", matrix.misleading, matrix.met)
    yield nothing("errors with a planted word in str, repr, traceback or chain", matrix.telling, matrix.met)
    yield nothing("errors whose str or repr raises", matrix.speechless, matrix.met)
    yield nothing("log records with a planted word", len(watch.found), watch.records)
    yield everything("calls served when the fault was over", matrix.served, matrix.meant_to_be_served)


@dataclass
class Matrix:
    """What came of every method under every fault; `complaints` say where, without what was planted."""

    planted: Planted
    met: int = 0
    meant_to_meet: int = 0
    foreign: int = 0
    misleading: int = 0
    telling: int = 0
    speechless: int = 0
    served: int = 0
    meant_to_be_served: int = 0
    complaints: list[str] = field(default_factory=list)

    async def fill(self, arena: Arena) -> None:
        """Stage all faults, some at once."""
        places = asyncio.Semaphore(STAGED_AT_ONCE)

        async def play(fault: Fault) -> None:
            async with places, fault.stage(arena, self.planted) as staged:
                await self._play(fault, staged)

        async with asyncio.TaskGroup() as stages:
            for fault in FAULTS:
                stages.create_task(play(fault))

    async def _play(self, fault: Fault, staged: Staged) -> None:
        user_id = f"{staged.arena.new_user()}-{self.planted.text}"
        struck = [name for name in METHODS if name not in fault.spares]
        async with staged.arena.store() as store:
            targets = {name: await new_target(store, f"{user_id}-{name}", self.planted.text) for name in METHODS}
        await staged.begin()
        await asyncio.gather(*[self._call_under(fault, name, staged.store, targets[name]) for name in struck])
        if staged.end is None:
            return
        await staged.end()
        async with staged.arena.store() as store:
            targets = {name: await new_target(store, f"{user_id}-{name}", self.planted.text) for name in METHODS}
        for name in METHODS:
            await self._call_after(fault, name, staged.store, targets[name])

    async def _call_under(self, fault: Fault, name: str, store: ChatStore, target: Target) -> None:
        self.meant_to_meet += 1
        error = await _error_of(name, store, target)
        if error is None:
            self.complaints.append(f"{fault.name} × {name}: answered")
            return
        self.met += 1
        place = f"{fault.name} × {name}: {type(error).__name__}"
        if not isinstance(error, ChatPersistenceError):
            self.foreign += 1
            self.complaints.append(f"{place} is not ours")
        elif not _is_right_about_retry(fault, name, error):
            self.misleading += 1
            self.complaints.append(f"{place} is wrong about a retry")
        self._listen(error, place)

    async def _call_after(self, fault: Fault, name: str, store: ChatStore, target: Target) -> None:
        self.meant_to_be_served += 1
        error = await _error_of(name, store, target)
        self.served += error is None
        if error is not None:
            self.complaints.append(f"after {fault.name} × {name}: {type(error).__name__}")

    def _listen(self, error: BaseException, place: str) -> None:
        try:
            said = "\n".join(_all_that_is_said(error))
        except Exception:
            self.speechless += 1
            self.complaints.append(f"{place} cannot be printed")
            return
        for kind in ("text", "password", "says"):
            if getattr(self.planted, kind) in said:
                self.telling += 1
                self.complaints.append(f"{place} tells the planted {kind}")


async def _error_of(name: str, store: ChatStore, target: Target) -> BaseException | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await METHODS[name](store, target)
    except Exception as error:
        return error
    return None


def _is_right_about_retry(fault: Fault, name: str, error: ChatPersistenceError) -> bool:
    if isinstance(error, OutcomeUnknown):
        return fault.loses_outcomes and name in NOT_REPEATABLE
    return fault.is_transient in (None, error.retryable)


def _all_that_is_said(error: BaseException) -> Iterator[str]:
    yield "".join(traceback.format_exception(error))
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield f"{link} {link!r} {link.args!r} {vars(link)!r}"
        # Also a context that `from None` keeps out of the traceback.
        link = link.__cause__ or link.__context__


CHECK = Check("errors", run)
