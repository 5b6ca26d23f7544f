"""One open store on lines that can be cut, the models of its users, and what can befall a call on its way."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from chat_persistence import (
    ChatPersistenceError,
    ChatStore,
    DatabaseFailure,
    OutcomeUnknown,
    StoreUnavailable,
    UnitOfWorkFailed,
)
from chat_persistence.selftest.addresses import with_parameters
from tests.chaos.actions import Action, Pages, outcome
from tests.chaos.model import ModelChats
from tests.chaos.relay_thread import RelayThread
from tests.told import everything, told

USERS = 3
FAILURES = (DatabaseFailure, OutcomeUnknown, StoreUnavailable, UnitOfWorkFailed)

NOTHING = "nothing"
"""What a caller is told who was cancelled."""
UNDONE = "undone"
"""What a host is told that had its unit of work undone."""


@dataclass(frozen=True)
class Fault:
    """What befalls a call after some milliseconds; or a cut, with the next answer once so many calls were made."""

    kind: str
    milliseconds: float = 0.0
    calls: int = 0


class Undone(Exception):
    """What a host raises to have a unit of work undone."""


class World:
    """A store of three users, and the models that it must not be told apart from."""

    def __init__(self, database_url: str, relay: RelayThread) -> None:
        self._database_url = database_url
        self._relay = relay
        self._application = f"machine {uuid4().hex[:12]}"
        self._exit = AsyncExitStack()
        self.models = [ModelChats(f"model-{uuid4()}") for _ in range(USERS)]

    async def open(self) -> None:
        url = with_parameters(self._relay.url, application_name=self._application)
        self.store = await self._exit.enter_async_context(ChatStore(url, pool_size=2))
        self._watcher = await asyncpg.connect(self._database_url)
        self._exit.push_async_callback(self._watcher.close)
        self._host = create_async_engine(self._database_url.replace("postgresql:", "postgresql+asyncpg:"))
        self._exit.push_async_callback(self._host.dispose)

    async def close(self) -> None:
        for user in range(USERS):
            await self.chats(user).erase()
        await self._exit.aclose()

    async def call(self, user: int, action: Action | Pages) -> Any:
        """Make a call, and return what it told."""
        return await outcome(action, self.chats(user))

    async def call_at_once(self, user: int, actions: Sequence[Action]) -> list[Any]:
        """Make calls at the same time, and return what they told."""
        return await asyncio.gather(*[self.call(user, action) for action in actions])

    async def unit(
        self, user: int, actions: Sequence[Action], fault: Fault, *, undone: bool = False, stubborn: bool = False
    ) -> Any:
        """Make calls in a unit of work; a stubborn host commits what it can when one of them failed."""
        answers = []
        try:
            async with self.store.unit_of_work(self.models[user].user_id) as work:
                for number, action in enumerate(actions):
                    self._arm(fault, number)
                    answers.append(await outcome(action, work))
                    if has_failed(answers[-1]) and not stubborn:
                        raise Undone
                self._arm(fault, len(actions))
                if undone:
                    raise Undone
        except Undone:
            return UNDONE
        except ChatPersistenceError as error:
            return told(error)
        return answers

    async def joined(self, user: int, actions: Sequence[Action], *, undone: bool) -> list[Any]:
        """Make calls in a session of the host's, which commits it or not."""
        async with AsyncSession(self._host) as session:
            async with self.store.unit_of_work(self.models[user].user_id, session=session) as work:
                answers = [await outcome(action, work) for action in actions]
            await (session.rollback() if undone else session.commit())
        return answers

    async def under(self, fault: Fault, work: Awaitable[Any]) -> Any:
        """Return what is told while a fault befalls it, once nothing is under way; `NOTHING` when it was cancelled."""
        self._arm(fault, 0)
        task = asyncio.ensure_future(work)
        if fault.kind != "cut":
            await asyncio.sleep(fault.milliseconds / 1000)
        if fault.kind == "cancel":
            task.cancel()
        if fault.kind == "drop":
            self._relay.do(self._relay.relay.drop_all)
        await asyncio.wait([task])
        self._relay.do(self._relay.relay.spare_next)
        await self._settle()
        return NOTHING if task.cancelled() else task.result()

    async def state(self, user: int) -> Any:
        """Return everything that a user can see."""
        return await everything(self.chats(user))

    def chats(self, user: int) -> Any:
        """Return what a user has in the store."""
        return self.store.for_user(self.models[user].user_id)

    def _arm(self, fault: Fault, calls: int) -> None:
        if fault.kind == "cut" and fault.calls == calls:
            self._relay.do(self._relay.relay.cut_next)

    async def _settle(self) -> None:
        # What was abandoned goes on: here, and in PostgreSQL on a line that was cut.
        async with asyncio.timeout(30):
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)
            while await self._backends() != self._relay.relay.lines:
                await asyncio.sleep(0.001)

    async def _backends(self) -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
        return int(await self._watcher.fetchval(query, self._application))


def has_failed(answer: Any) -> bool:
    """Whether a call told of a fault, and not of something that cannot be done."""
    return isinstance(answer, tuple) and isinstance(answer[0], type) and issubclass(answer[0], FAILURES)
