"""Exporting whole conversations as lines of JSON, by COPY.

In pages by the key, each as one statement saw it: a conversation is whole and at one with its counters, while those of
other pages may be of another moment. No transaction is longer than one page.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from chat_persistence.compilation import CompiledStatement
from chat_persistence.copy_queries import with_values
from chat_persistence.exported_lines import end_line, header_line
from chat_persistence.exported_pages import ExportedPage
from chat_persistence.exported_seals import LineOpener
from chat_persistence.observer import Observer
from chat_persistence.patience import patiently
from chat_persistence.reports import ExportProgress
from chat_persistence.transactions import Transaction, TransactionExecution, connection_of, drop_if_lost

CONVERSATIONS_AT_ONCE = 500

WHOLE_SECONDS = 86_400.0
"""A page may be one conversation, of any length."""

# What no JSON holds as it is, so that CSV quotes nothing: every line is a line.
QUOTE, DELIMITER = "\x01", "\x02"

FIRST_ID = UUID(int=0)
LAST_ID = UUID(int=2**128 - 1)

BeginPage = Callable[[], tuple[Transaction, TransactionExecution]]


class Exporter:
    """One export, of `user_id` or of everybody, from the beginning or after what was exported before.

    A page has come to nothing when `silence_seconds` pass without a row.
    """

    def __init__(
        self,
        compiled: CompiledStatement,
        begin_page: BeginPage,
        observer: Observer,
        opener: LineOpener,
        silence_seconds: float,
        user_id: str | None,
        after: ExportProgress | None,
        on_progress: Callable[[ExportProgress], None] | None,
    ) -> None:
        self._compiled = compiled
        self._begin_page = begin_page
        self._observer = observer
        self._opener = opener
        self._silence_seconds = silence_seconds
        self._user_id = user_id
        self._is_new = after is None
        self._progress = after or ExportProgress()
        self._on_progress = on_progress

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the file in pieces that end with a line; the first has its header, the last its end."""
        if self._is_new:
            yield header_line(self._user_id)
        while self._progress.conversation_id != LAST_ID or self._user_id is None:
            page = await self._next_page()
            try:
                if not page.lines:
                    break
                for piece in page.pieces():
                    yield await self._opener.open(piece)
                self._count(page)
            finally:
                page.close()
        yield end_line(self._progress.conversations, self._progress.messages)

    def _count(self, page: ExportedPage) -> None:
        user_id, conversation_id = page.last_key
        self._progress = ExportProgress(
            self._progress.conversations + page.conversations,
            self._progress.messages + page.messages,
            user_id,
            conversation_id,
        )
        if self._on_progress is not None:
            self._on_progress(self._progress)

    async def _next_page(self) -> ExportedPage:
        with self._observer.begin("export", self._user_id) as operation:
            page = await patiently(self._read)
            operation.answered(page.lines)
        return page

    async def _read(self) -> ExportedPage:
        page = ExportedPage()
        try:
            await self._fill(page)
        except BaseException:
            page.close()
            raise
        return page

    async def _fill(self, page: ExportedPage) -> None:
        transaction, execution = self._begin_page()
        values = self._compiled.arguments({**self._place(), "how_many": CONVERSATIONS_AT_ONCE})
        query = with_values(self._compiled.sql, values)
        await transaction.begin()
        try:
            await execution.prepare()
            await transaction.run(partial(_copy, query, page, self._silence_seconds))
        except BaseException as error:
            await transaction.roll_back(wait=isinstance(error, Exception))
            raise
        await transaction.roll_back(wait=True)  # nothing was written

    def _place(self) -> dict[str, Any]:
        last = self._progress.conversation_id
        if self._user_id is None:
            return {"owner_after": self._progress.user_id or "", "chat_after": last or FIRST_ID}
        return {"owner": self._user_id, "chat_from": FIRST_ID if last is None else UUID(int=last.int + 1)}


def _copy(query: str, page: ExportedPage, silence_seconds: float, session: Session) -> None:
    connection = connection_of(session)
    driver: Any = connection.connection.driver_connection
    try:
        await_only(_receive(driver, query, page, silence_seconds))
    except Exception as error:
        drop_if_lost(connection, error)
        raise


async def _receive(driver: Any, query: str, page: ExportedPage, silence_seconds: float) -> None:
    now = asyncio.get_running_loop().time

    async def take(rows: bytes) -> None:
        silence.reschedule(now() + silence_seconds)
        page.take(rows)

    async with asyncio.timeout(silence_seconds) as silence:
        await driver.copy_from_query(
            query,
            output=take,
            format="csv",
            quote=QUOTE,
            delimiter=DELIMITER,
            timeout=WHOLE_SECONDS,
        )
