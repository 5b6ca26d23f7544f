"""A plugin for OpenAI's own tests: our session in the place of theirs, and a report of each test that made one.

Each database that they would make is a user of ours, in the database at `$DATABASE_URL`. It is loaded by its folder
alone, since their tests are a package called `tests`, too.
"""

import asyncio
import json
import os
import signal
from collections.abc import Coroutine, Iterator
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from uuid import uuid4
from weakref import WeakKeyDictionary

import pytest
from agents import SessionSettings, TResponseInputItem
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chat_persistence.integrations.openai_agents import ChatSession
from chat_persistence.testing.any_loop import AnyLoopStore

Settings = SessionSettings | dict[str, Any] | None

RUN = uuid4()
TEST_SECONDS = 5
IN_MEMORY: "WeakKeyDictionary[Engine, str]" = WeakKeyDictionary()
STORE = AnyLoopStore(os.environ["DATABASE_URL"])


class StandIn(ChatSession):
    """Ours, in whatever event loop and thread their tests use it."""

    made: ClassVar[int] = 0

    def __init__(self, session_id: str, place: str, settings: Settings = None) -> None:
        StandIn.made += 1
        user_id = str(uuid4()) if ":memory:" in place else f"{place[-200:]}-{RUN}"
        super().__init__(session_id, STORE.for_user(user_id), session_settings=settings)

    def close(self) -> None:
        """What is to be closed is the store."""


class InPlaceOfSQLite(StandIn):
    """In place of `SQLiteSession`: a file is a user."""

    def __init__(
        self, session_id: str, db_path: str | Path = ":memory:", session_settings: Settings = None, **tables: str
    ) -> None:
        super().__init__(session_id, str(db_path), session_settings)


class InPlaceOfSQLAlchemy(StandIn):
    """In place of `SQLAlchemySession`: the database of an engine is a user."""

    def __init__(self, session_id: str, *, engine: AsyncEngine, session_settings: Settings = None, **_: Any) -> None:
        in_memory = engine.url.database == ":memory:"
        place = IN_MEMORY.setdefault(engine.sync_engine, str(uuid4())) if in_memory else str(engine.url)
        super().__init__(session_id, place, session_settings)
        self.engine = engine

    @classmethod
    def from_url(cls, session_id: str, *, url: str, **options: Any) -> StandIn:
        return cls(session_id, engine=create_async_engine(url), **options)


class InPlaceOfAList(StandIn):
    """In place of the list in which some of their tests keep a session, of which nothing is replaced at once."""

    _get_compaction_snapshot = None  # type: ignore[assignment]
    _atomic_replace_items = None  # type: ignore[assignment]

    def __init__(self, session_id: str = "test", history: list[TResponseInputItem] | None = None) -> None:
        super().__init__(session_id, ":memory:")
        if history:
            _run_in_a_thread(super().add_items(history))  # not what their test has made of it


def _run_in_a_thread(work: Coroutine[Any, Any, None]) -> None:
    thread = Thread(target=asyncio.run, args=(work,))
    thread.start()
    thread.join()


def pytest_configure(config: pytest.Config) -> None:
    for place, name, ours in (
        ("agents", "SQLiteSession", InPlaceOfSQLite),
        ("agents.memory", "SQLiteSession", InPlaceOfSQLite),
        ("agents.extensions.memory.sqlalchemy_session", "SQLAlchemySession", InPlaceOfSQLAlchemy),
        ("tests.utils.simple_session", "SimpleListSession", InPlaceOfAList),
    ):
        setattr(import_module(place), name, ours)
    config.pluginmanager.register(Report())


class Report:
    """What came of each test that made a session of ours, or failed, as JSON in the file `$SESSION_REPORT`."""

    def __init__(self) -> None:
        self._outcomes: dict[str, str] = {}
        self._made_none: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        # Some wait for what only SQLite's own class would do.
        signal.signal(signal.SIGALRM, lambda *_: pytest.fail(f"not over after {TEST_SECONDS} s"))
        signal.alarm(TEST_SECONDS)
        try:
            return (yield)
        finally:
            signal.alarm(0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        before = StandIn.made
        result = yield
        if StandIn.made == before:
            self._made_none.add(item.nodeid)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            worst = self._outcomes.get(report.nodeid) or report.outcome
            self._outcomes[report.nodeid] = "failed" if "failed" in (worst, report.outcome) else worst

    def pytest_sessionfinish(self) -> None:
        with_ours = {
            test: outcome
            for test, outcome in self._outcomes.items()
            if outcome == "failed" or test not in self._made_none
        }
        Path(os.environ["SESSION_REPORT"]).write_text(json.dumps(with_ours))
