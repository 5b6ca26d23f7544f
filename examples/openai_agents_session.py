"""An agent of OpenAI's Agents SDK that remembers: a line is asked, a line is answered, and `kill -9` forgets nothing.

.venv/bin/python -m examples.openai_agents_session ada rome

It runs without a network, on a model that books whatever is asked for. In your application, leave `model` out.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, TResponseInputItem, Usage, function_tool, set_tracing_disabled
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputText,
)

from chat_persistence import ChatStore
from chat_persistence.integrations.openai_agents import ChatSession

WINDOW = 100
"""Items, so that a long conversation costs no more than a short one."""


@function_tool
def book(train: str) -> str:
    """Book a train."""
    return f"seat {len(train)}A"


class TravelAgent(Model):
    """In place of a model: it calls the tool for what was asked last, and knows how often it was asked before."""

    async def get_response(
        self, system_instructions: str | None, input: str | list[TResponseInputItem], *_: Any, **__: Any
    ) -> ModelResponse:
        """Call the tool, or tell what came of it."""
        items: list[Any] = [{"role": "user", "content": input}] if isinstance(input, str) else list(input)
        asked = [item["content"] for item in items if item.get("role") == "user"]
        output = self._say(asked, items[-1]["output"]) if "output" in items[-1] else self._call(asked)
        return ModelResponse(output=[output], usage=Usage(), response_id=f"resp_{len(items)}")

    def _say(self, asked: list[str], booked: str) -> ResponseOutputItem:
        said = ResponseOutputText(type="output_text", text=f"{len(asked)}. {asked[-1]}: {booked}", annotations=[])
        return ResponseOutputMessage(id="msg", type="message", role="assistant", status="completed", content=[said])

    def _call(self, asked: list[str]) -> ResponseOutputItem:
        arguments = f'{{"train": "{len(asked)}"}}'
        return ResponseFunctionToolCall(
            type="function_call", call_id=f"call_{len(asked)}", name="book", arguments=arguments
        )

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[TResponseStreamEvent]:
        """Refuse: this one answers at once."""
        raise NotImplementedError


async def main(user_id: str, session_id: str) -> None:
    """Answer each line of stdin."""
    set_tracing_disabled(True)
    agent = Agent(name="Travel agent", model=TravelAgent(), tools=[book])
    async with ChatStore(os.environ.get("DATABASE_URL", "embedded")) as store:
        await store.migrate()
        session = ChatSession(session_id, store.for_user(user_id), session_settings={"limit": WINDOW})
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            result = await Runner.run(agent, line, session=session)
            print(result.final_output, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
