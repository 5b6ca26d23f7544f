"""One conversation of two frameworks: an agent of each goes on with what the other's has said."""

from typing import Any

import pytest

from chat_persistence import UserChats, conversation_id_of
from chat_persistence.provider_formats import to_anthropic_messages, to_openai_chat
from tests.frameworks.openai_items import asked

pytest.importorskip("agents")
pytest.importorskip("pydantic_ai")

from agents import Agent, Runner, set_tracing_disabled

from chat_persistence.integrations.openai_agents import ChatSession
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from examples import pydantic_ai_agent
from examples.openai_agents_session import TravelAgent, book

QUESTIONS = ["A train to Rome", "And back", "On Friday", "By night"]


@pytest.fixture
async def turns(chat: UserChats) -> list[str]:
    """What agents of both frameworks answer in turns."""
    set_tracing_disabled(True)
    conversations, session = ChatConversationStore(chat), ChatSession("rome", chat)
    travel = Agent(name="Travel agent", model=TravelAgent(), tools=[book])
    first = await Runner.run(travel, "A train to Rome", session=session)
    second = await pydantic_ai_agent.answer(conversations, "rome", "And back")
    third = await Runner.run(travel, "On Friday", session=session)
    fourth = await pydantic_ai_agent.answer(conversations, "rome", "By night")
    return [first.final_output, second, third.final_output, fourth]


async def test_each_knows_what_was_asked_of_the_other(turns: list[str]) -> None:
    assert turns == [
        "1. A train to Rome: seat 1A",
        "At 9:05. You have said: A train to Rome, And back.",
        "3. On Friday: seat 1A",
        "At 9:05. You have said: A train to Rome, And back, On Friday, By night.",
    ]


async def test_a_person_and_other_providers_read_all_of_it(chat: UserChats, turns: list[str]) -> None:
    messages = await chat.messages.last(conversation_id_of("rome"))
    said = [question for pair in zip(QUESTIONS, turns, strict=True) for question in pair]

    assert [message.content for message in messages if message.content] == said
    assert [item["content"] for item in to_openai_chat(messages) if item["role"] == "user"] == QUESTIONS
    calls = [part for item in to_anthropic_messages(messages) for part in item["content"] if "tool_use_id" in part]
    assert [len(messages), len(calls)] == [16, 4]


@pytest.mark.usefixtures("turns")
async def test_what_one_takes_back_is_gone_for_the_other(chat: UserChats) -> None:
    session: Any = ChatSession("rome", chat)
    for _ in range(4):
        await session.pop_item()

    assert asked("By night") not in await session.get_items()
    again = await pydantic_ai_agent.answer(ChatConversationStore(chat), "rome", "By day")
    assert again == "At 9:05. You have said: A train to Rome, And back, On Friday, By day."
