"""A store that works in every event loop, for tests: their fixtures outlive their loops."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, Self, TypeVar

from chat_persistence.compilation import Statement
from chat_persistence.encryption import Encryption
from chat_persistence.errors import StoreClosed
from chat_persistence.execution import Rows
from chat_persistence.observer import Observer
from chat_persistence.resources import Resources
from chat_persistence.store import ChatStore
from chat_persistence.user_chats import UserChats
from chat_persistence.validation import check_user_id
from chat_persistence.watches import Watch

Answer = TypeVar("Answer")


class AnyLoopStore(ChatStore):
    """A store that is open wherever it is used: each event loop has a pool of its own, closed when the loop ends.

    So a test may call `asyncio.run` twice, or run its application in the thread of a test client. It need not be
    entered; an application that enters or closes the store it is given may do so.
    """

    def __init__(self, url: str, *, schema: str | None = None, encryption: Encryption | None = None) -> None:
        super().__init__(url, schema=schema, encryption=encryption)
        self._observer = Observer(self._opening.read_url(url).place, schema)
        self._opened: dict[asyncio.AbstractEventLoop, _Opened] = {}
        self._is_over = False

    async def __aenter__(self) -> Self:
        return self

    async def aclose(self) -> None:
        """Close what is open in this event loop; the next use opens it again."""
        opened = self._opened.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            await opened.life.aclose()

    def close(self) -> None:
        """Close it for good, in all event loops that have not ended; none of them may run in this thread."""
        self._is_over = True
        for loop in [loop for loop in self._opened if not loop.is_closed()]:
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(self.aclose(), loop).result()
            else:
                loop.run_until_complete(self.aclose())

    def for_user(self, user_id: str) -> UserChats:
        """Return one user's chats, which may be used in any event loop, and made in none."""
        execution = _AnyLoopExecution(self, check_user_id(user_id))
        return UserChats(user_id, execution, self._options, self._observer, self.unit_of_work)

    def resources(self) -> Resources:
        """Return what is open in the running event loop, or raise `StoreClosed` when the test is over."""
        if self._is_over:
            raise StoreClosed
        loop = asyncio.get_running_loop()
        if loop not in self._opened:
            self._opened[loop] = _open(self._opening.open_own())
        return self._opened[loop].resources

    @property
    def _open_resources(self) -> Resources:
        return self.resources()


class _Opened(NamedTuple):
    resources: Resources
    life: AsyncGenerator[None, None]


class _AnyLoopExecution:
    """Runs each statement as the running event loop's own execution does."""

    is_alone = True

    def __init__(self, store: AnyLoopStore, user_id: str) -> None:
        self._store = store
        self._user_id = user_id

    async def fetch(self, statement: Statement, *, repeatable: bool = True, **arguments: Any) -> Rows:
        execution = self._store.resources().execution_for(self._user_id)
        return await execution.fetch(statement, repeatable=repeatable, **arguments)

    async def settle(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        return await self._store.resources().execution_for(self._user_id).settle(work)

    def announce(self, name: str) -> None:
        self._store.resources().execution.announce(name)

    def watch(self, name: str) -> Watch:
        return self._store.resources().execution.watch(name)


def _open(resources: Resources) -> _Opened:
    life = _life(resources)
    with suppress(StopIteration):
        life.asend(None).send(None)  # on to its `yield`: nothing is awaited before
    return _Opened(resources, life)


async def _life(resources: Resources) -> AsyncGenerator[None, None]:
    # Before a loop is closed, `shutdown_asyncgens` ends every generator that began in it.
    try:
        yield
    finally:
        await resources.aclose()
