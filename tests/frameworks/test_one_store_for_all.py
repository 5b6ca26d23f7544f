"""One store, every framework: a conversation goes on from agent to agent, and each reads all that was said."""

from typing import Any
from uuid import uuid4

import pytest

from chat_persistence import ChatStore, MessageRole, UserChats, conversation_id_of
from chat_persistence.provider_formats import (
    from_anthropic_messages,
    to_anthropic_messages,
    to_cohere_chat,
    to_gemini_contents,
    to_openai_chat,
    to_openai_responses,
    to_vercel_ui_messages,
)

pytest.importorskip("agents")
pytest.importorskip("pydantic_ai")

from agents import Agent, RunConfig, Runner, function_tool
from agents.memory import Session

from chat_persistence.integrations.openai_agents import ChatSession
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from examples.openai_agents_session import TravelAgent
from examples.pydantic_ai_agent import answer

WRITERS = [
    to_anthropic_messages,
    to_cohere_chat,
    to_gemini_contents,
    to_openai_chat,
    to_openai_responses,
    to_vercel_ui_messages,
]


WITHOUT_TRACES = RunConfig(tracing_disabled=True)


@function_tool
def book(train: str) -> str:
    """Book a train."""
    return f"seat {train}A"


@pytest.fixture
def name() -> str:
    """What each framework calls the conversation."""
    return f"rome-{uuid4()}"


@pytest.fixture
def conversations(chat: UserChats) -> ChatConversationStore:
    return ChatConversationStore(chat)


@pytest.fixture
def session(chat: UserChats, name: str) -> Session:
    return ChatSession(name, chat)


@pytest.fixture
def others(store: ChatStore) -> UserChats:
    return store.for_user(f"eve-{uuid4()}")


async def answer_too(session: Session, prompt: str) -> str:
    """Run one turn of an agent of OpenAI's SDK, as `answer` does of Pydantic AI."""
    agent = Agent[Any](name="Travel agent", model=TravelAgent(), tools=[book])
    return str((await Runner.run(agent, prompt, session=session, run_config=WITHOUT_TRACES)).final_output)


async def said(chat: UserChats, name: str) -> list[tuple[MessageRole, str]]:
    messages = await chat.messages.last(conversation_id_of(name))
    return [(message.role, message.content) for message in messages if message.content]


async def hold(chat: UserChats, name: str, conversations: ChatConversationStore, session: Session) -> list[str]:
    """Ask one agent after another in the same conversation, and a provider without any; return what they answered."""
    first = await answer(conversations, name, "A train")
    second = await answer_too(session, "To Rome")
    anthropic: list[dict[str, Any]] = [
        {"role": "user", "content": "By day"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm", "signature": "s"}, TEXT]},
    ]
    await chat.messages.append(conversation_id_of(name), *from_anthropic_messages(anthropic))
    fourth = await answer(conversations, name, "Thanks")
    fifth = await answer_too(session, "Bye")
    return [first, second, TEXT["text"], fourth, fifth]


TEXT = {"type": "text", "text": "By day it is."}
ASKED = ["A train", "To Rome", "By day", "Thanks", "Bye"]


async def test_each_agent_has_read_what_was_said_to_all(
    chat: UserChats, name: str, conversations: ChatConversationStore, session: Session
) -> None:
    answers = await hold(chat, name, conversations, session)

    assert answers[0] == "At 9:05. You have said: A train."
    assert answers[1].startswith("2. To Rome: seat")
    assert answers[3] == "At 9:05. You have said: A train, To Rome, By day, Thanks."
    assert answers[4].startswith("5. Bye: seat")
    turns = [line for pair in zip(ASKED, answers, strict=True) for line in pair]
    assert await said(chat, name) == [
        (MessageRole.ASSISTANT if place % 2 else MessageRole.USER, line) for place, line in enumerate(turns)
    ]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__.removeprefix("to_"))
async def test_all_of_it_is_in_the_words_of_each_provider(
    write: Any,
    chat: UserChats,
    name: str,
    conversations: ChatConversationStore,
    session: Session,
) -> None:
    answers = await hold(chat, name, conversations, session)

    written = str(write(await chat.messages.last(conversation_id_of(name))))

    places = [written.index(repr(line)) for pair in zip(ASKED, answers, strict=True) for line in pair]
    assert places == sorted(places)
    assert written.count("next_train") >= 2
    assert written.count("'9:05'") >= 2


async def test_a_window_of_another_programs_turns_has_no_result_without_its_call(
    chat: UserChats, name: str, conversations: ChatConversationStore, session: Session
) -> None:
    await hold(chat, name, conversations, session)

    for limit in range(20):
        items: list[Any] = await session.get_items(limit)
        calls = {item["call_id"] for item in items if item.get("type") == "function_call"}
        results = {item["call_id"] for item in items if item.get("type") == "function_call_output"}
        assert results <= calls
        assert len(items) <= limit


async def test_an_agent_of_pydantic_ai_goes_on_from_a_branch_and_the_others_read_that(
    chat: UserChats, name: str, conversations: ChatConversationStore, session: Session
) -> None:
    await hold(chat, name, conversations, session)
    whole = await conversations.load(name)
    assert whole is not None

    await conversations.branch(name, at=4, expected_revision=whole.revision)

    assert [text for _, text in await said(chat, name)] == ["A train", "At 9:05. You have said: A train."]
    assert (await answer_too(session, "By night")).startswith("2. By night")
    assert (await answer(conversations, name, "Now?")).endswith("A train, By night, Now?.")


async def test_nobody_elses_agent_reads_a_word_of_it(
    chat: UserChats,
    others: UserChats,
    name: str,
    conversations: ChatConversationStore,
    session: Session,
) -> None:
    await hold(chat, name, conversations, session)

    assert await ChatSession(name, others).get_items() == []
    assert await ChatConversationStore(others).load(name) is None
    assert await ChatConversationStore(others).list_conversations() == []
