"""A run that waits for a person's yes, and goes on with a session whose answer was lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from chat_persistence import UserChats
from tests.frameworks.openai_items import asked, call, output, thought

pytest.importorskip("agents")

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from chat_persistence.integrations.openai_agents import ChatSession


@pytest.fixture(autouse=True)
def _without_traces() -> Iterator[None]:
    set_tracing_disabled(True)
    yield
    set_tracing_disabled(False)


@function_tool
def look() -> str:
    """Look for trains."""
    return "at nine"


@function_tool(needs_approval=True)
def book() -> str:
    """Book a train."""
    return "12A"


class LooksAndBooks(Model):
    """In place of a model: it calls both tools at once, and is done."""

    async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:
        is_done = any(item.get("type") == "function_call_output" for item in input if isinstance(item, dict))
        output = [self._words()] if is_done else [self._call("look"), self._call("book")]
        return ModelResponse(output=[*output], usage=Usage(), response_id=None)

    def _call(self, name: str) -> Any:
        return ResponseFunctionToolCall(type="function_call", call_id=name, name=name, arguments="{}")

    def _words(self) -> Any:
        said = ResponseOutputText(type="output_text", text="Booked", annotations=[])
        return ResponseOutputMessage(id="msg", type="message", role="assistant", status="completed", content=[said])

    def stream_response(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


class LosesAnswers(ChatSession):
    """Stores what it is given, and at times does not say so."""

    loses_next = False

    async def add_items(self, items: Any) -> None:
        await super().add_items(items)
        if self.loses_next:
            self.loses_next = False
            raise ConnectionError


async def test_what_came_of_a_tool_is_stored_once_though_nobody_was_told_of_it(chat: UserChats) -> None:
    agent = Agent(name="Travel agent", model=LooksAndBooks(), tools=[look, book])
    session: Any = LosesAnswers("rome", chat)
    state = (await Runner.run(agent, "A train to Rome", session=session)).to_state()
    state.approve(state.get_interruptions()[0])

    session.loses_next = True
    with pytest.raises(ConnectionError):
        await Runner.run(agent, state, session=session)
    result = await Runner.run(agent, state, session=session)

    assert result.final_output == "Booked"
    outputs = [item["call_id"] for item in await session.get_items() if item.get("type") == "function_call_output"]
    assert outputs == ["look", "book"]


@pytest.mark.parametrize("thinks", [True, False])
@pytest.mark.parametrize(("calls", "done"), [(2, 1), (3, 1), (4, 3), (60, 59)])
async def test_what_a_runner_has_added_is_found_after_what_was_there_before(
    chat: UserChats, calls: int, done: int, thinks: bool
) -> None:
    """As it looks: by one item more than it adds, and then by those and what it has added."""
    session: Any = ChatSession("rome", chat)
    ids = [f"c{number}" for number in range(calls)]
    added = [output(id) for id in ids[done:]]
    thoughts = [thought("rs")] if thinks else []
    await session.add_items([asked("Rome"), *thoughts, *map(call, ids), *map(output, ids[:done])])

    before = await session.get_items(len(added) + 1)
    assert (await session.get_items(len(before) + len(added)))[-len(before) :] == before
    await session.add_items(added)

    assert await session.get_items(len(before) + len(added)) == [*before, *added]


async def test_a_window_within_a_response_that_waits_reaches_back_to_its_start(chat: UserChats) -> None:
    session: Any = ChatSession("rome", chat)
    response = [thought("rs"), call("c1"), call("c2"), output("c1")]
    await session.add_items([asked("Rome"), *response])

    assert [await session.get_items(limit) for limit in range(5)] == [[], *[response] * 4]
    await session.add_items([output("c2")])
    assert [await session.get_items(limit) for limit in range(5)] == [[]] * 5
