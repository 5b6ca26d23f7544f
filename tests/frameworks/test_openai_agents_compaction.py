"""The SDK's compaction over a session of ours: a summary takes the place of what it sums up, at once or not at all."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
from agents import Agent, Runner, set_tracing_disabled
from agents.memory import OpenAIResponsesCompactionSession
from packaging.version import Version

from chat_persistence import UserChats
from chat_persistence.integrations.openai_agents import ChatSession
from examples.openai_agents_session import TravelAgent, book
from tests.frameworks.openai_items import Item, asked, call, output, said

SUMMARY: Item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"}
TURN = [asked("A train"), call("c1"), output("c1"), said("Booked")]


@pytest.fixture
def session(chat: UserChats) -> Any:
    return ChatSession("rome", chat)


def compacting(session: Any) -> Any:
    async def compact(**_: object) -> object:
        return SimpleNamespace(output=[SUMMARY], usage=None)

    client: Any = SimpleNamespace(responses=SimpleNamespace(compact=compact))
    return OpenAIResponsesCompactionSession(
        "rome", session, client=client, compaction_mode="input", should_trigger_compaction=lambda _: True
    )


async def test_a_summary_takes_the_place_of_all_that_was_said(session: Any) -> None:
    await session.add_items([asked("A train"), said("Booked")])

    await compacting(session).run_compaction({"force": True})

    assert await session.get_items() == [SUMMARY]
    await session.add_items([asked("And back")])
    assert await session.get_items() == [SUMMARY, asked("And back")]


@pytest.mark.skipif(
    Version(version("openai-agents")) < Version("0.23"), reason="until 0.23 the SDK puts it in the place of everything"
)
async def test_a_summary_of_a_window_leaves_what_is_before_it(chat: UserChats) -> None:
    set_tracing_disabled(True)
    agent = Agent(name="Travel agent", model=TravelAgent(), tools=[book])
    windowed: Any = ChatSession("rome", chat, session_settings={"limit": 3})
    before = [asked("Hello"), call("c1"), output("c1"), said("Booked")]
    await windowed.add_items(before)

    await Runner.run(agent, "And back", session=compacting(windowed))

    assert await windowed.get_items(100) == [*before, SUMMARY]


CHANGES: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "added": lambda session: session.add_items([asked("meanwhile")]),
    "popped": lambda session: session.pop_item(),
    "cleared": lambda session: session.clear_session(),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_was_changed_meanwhile_is_not_replaced(session: Any, change: str) -> None:
    await session.add_items(TURN)
    snapshot = await session._get_compaction_snapshot(2)
    await CHANGES[change](session)
    changed = await session.get_items()

    assert await snapshot.replace_suffix(0, [SUMMARY]) is False
    assert await session.get_items() == changed


@pytest.mark.parametrize(("limit", "is_whole"), [(3, False), (4, True), (9, True)])
async def test_a_snapshot_says_whether_it_is_whole(session: Any, limit: int, is_whole: bool) -> None:
    await session.add_items(TURN)

    snapshot = await session._get_compaction_snapshot(limit)

    assert (snapshot.items, snapshot.complete) == (TURN[-limit:], is_whole)
    assert await snapshot.replace_suffix(len(snapshot.items), [SUMMARY]) is False
    assert await snapshot.replace_suffix(1, []) is True
    assert await session.get_items() == TURN[: len(TURN) - len(snapshot.items) + 1]


async def test_a_snapshot_of_nothing_is_whole(session: Any) -> None:
    snapshot = await session._get_compaction_snapshot(3)

    assert (snapshot.items, snapshot.complete, await snapshot.replace_suffix(0, [SUMMARY])) == ([], True, False)
    await session._atomic_replace_items([SUMMARY])
    assert await session.get_items() == [SUMMARY]


class Capitals(ChatSession):
    """A host's own, that does more when items are added."""

    async def add_items(self, items: Any) -> None:
        in_capitals: Any = [{**item, "id": item["id"].upper()} for item in items]
        await super().add_items(in_capitals)


async def test_a_hosts_own_class_stores_the_summary_by_its_own_methods(session: Any, chat: UserChats) -> None:
    await session.add_items(TURN)

    await compacting(Capitals("rome", chat)).run_compaction({"force": True})

    assert await session.get_items() == [{**SUMMARY, "id": "CMP_1"}]
