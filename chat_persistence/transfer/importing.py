"""Importing: what a source has, loaded by COPY, and what was bad, told."""

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal, get_args

from chat_persistence.errors import ChatPersistenceError, ImportStopped, InvalidInput
from chat_persistence.load_batch import MAX_ROWS
from chat_persistence.load_values import ConversationLoad, LoadProgress
from chat_persistence.store import ChatStore
from chat_persistence.transfer.records import BadRecord, ReadProgress, Source

OnError = Literal["stop", "skip"]

MAX_BAD_TOLD = 1000
"""Of more bad records, only their number is told."""

_IN_FLIGHT = 2 * MAX_ROWS + 2
"""A load refuses what it was given at most two batches ago."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import has come to. `bad` are the first 1,000 of the `bad_count` records that could not be imported."""

    conversations_stored: int = 0
    messages_stored: int = 0
    conversations_present: int = 0
    bad_count: int = 0
    bad: tuple[BadRecord, ...] = ()


OnProgress = Callable[[ImportReport, ReadProgress], None]


async def import_conversations(
    store: ChatStore, source: Source, *, on_error: OnError = "stop", on_progress: OnProgress | None = None
) -> ImportReport:
    """Import what a source has, and return what it came to; `on_progress` is told after every batch.

    A conversation is stored whole or not at all. Its ids come from the source, so that an import may be repeated,
    after a kill above all: what is there is found and left as it is, also when the source says more of it by now.
    What is bad is reported with its place and skipped, or stops the import by `ImportStopped`; the conversations
    before it are stored then. Memory is bounded, however long the source. Raise what `ChatStore.load` raises of the
    database.
    """
    if on_error not in get_args(OnError):
        raise InvalidInput("on_error", f"must be one of: {', '.join(get_args(OnError))}")
    running = _Import(source, on_error, on_progress)
    loaded = await store.load(
        running.conversations(), on_progress=running.tell_progress, on_refused=running.take_refusal
    )
    return running.report(loaded)


class _Import:
    def __init__(self, source: Source, on_error: OnError, on_progress: OnProgress | None) -> None:
        self._source = source
        self._stops = on_error == "stop"
        self._on_progress = on_progress
        self._places: deque[str] = deque(maxlen=_IN_FLIGHT)
        self._given = 0
        self._report = ImportReport()

    async def conversations(self) -> AsyncGenerator[ConversationLoad, None]:
        async with aclosing(self._source.records()) as records:
            async for record in records:
                if isinstance(record, BadRecord):
                    self._take_bad(record)
                else:
                    self._places.append(record.place)
                    self._given += 1
                    yield record.conversation
                if self._stops and self._report.bad:
                    return

    def take_refusal(self, index: int, refusal: ChatPersistenceError) -> None:
        place = self._places[index - self._given]
        if isinstance(refusal, InvalidInput):
            field = refusal.field.partition(".")[2]
            self._take_bad(BadRecord(place, f"{field}: {refusal.reason}"))
        else:
            self._take_bad(BadRecord(place, str(refusal)))

    def tell_progress(self, loaded: LoadProgress) -> None:
        self._count(loaded)
        if self._on_progress is not None:
            self._on_progress(self._report, self._source.progress)

    def report(self, loaded: LoadProgress) -> ImportReport:
        self._count(loaded)
        if self._stops and self._report.bad:
            first = self._report.bad[0]
            raise ImportStopped(first.place, first.reason)
        return self._report

    def _take_bad(self, record: BadRecord) -> None:
        told = self._report.bad if self._report.bad_count >= MAX_BAD_TOLD else (*self._report.bad, record)
        self._report = replace(self._report, bad_count=self._report.bad_count + 1, bad=told)

    def _count(self, loaded: LoadProgress) -> None:
        self._report = replace(
            self._report,
            conversations_stored=loaded.conversations_stored,
            messages_stored=loaded.messages_stored,
            conversations_present=loaded.conversations_present,
        )
