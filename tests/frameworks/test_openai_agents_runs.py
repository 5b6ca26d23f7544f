"""Agents of OpenAI's SDK that run with our sessions: killed, windowed, wrapped, one for many users."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, RunConfig, Runner, set_tracing_disabled
from agents.extensions.memory.encrypt_session import EncryptedSession

from chat_persistence import ChatStore, InvalidInput, UserChats, conversation_id_of
from chat_persistence.integrations.openai_agents import ChatSession, ContextChatSession
from examples.openai_agents_session import TravelAgent, book
from tests.frameworks.openai_items import asked, call, output, said

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _without_traces() -> Iterator[None]:
    set_tracing_disabled(True)
    yield
    set_tracing_disabled(False)


@pytest.fixture
def agent() -> Agent[Any]:
    return Agent(name="Travel agent", model=TravelAgent(), tools=[book])


@pytest.fixture
def session(chat: UserChats) -> Any:
    return ChatSession("rome", chat)


async def test_a_run_stores_what_was_asked_called_and_said(agent: Agent[Any], session: Any, chat: UserChats) -> None:
    result = await Runner.run(agent, "A train to Rome", session=session)

    messages = await chat.messages.last(conversation_id_of("rome"))
    assert [message.content for message in messages] == ["A train to Rome", "", "", result.final_output]
    assert await session.get_items() == result.to_input_list()


class Program:
    """The example, in a process of its own."""

    def __init__(self, url: str, user_id: str) -> None:
        self._environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
        self._command = (sys.executable, "-m", "examples.openai_agents_session", user_id, "rome")

    async def __aenter__(self) -> "Program":
        pipes: dict[str, Any] = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        self._process = await asyncio.create_subprocess_exec(*self._command, env=self._environment, cwd=ROOT, **pipes)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.kill()
        await self._process.wait()

    async def ask(self, question: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{question}\n".encode())
        return (await asyncio.wait_for(self._process.stdout.readline(), 60)).decode()


async def test_an_agent_that_is_killed_between_two_turns_goes_on(
    migrated_database: str, chat: UserChats, user_id: str
) -> None:
    async with Program(migrated_database, user_id) as program:
        first = await program.ask("A train to Rome")
    async with Program(migrated_database, user_id) as program:
        second = await program.ask("And back")

    assert (first, second) == ("1. A train to Rome: seat 1A\n", "2. And back: seat 1A\n")
    assert len(await ChatSession("rome", chat).get_items()) == 8


async def test_each_run_goes_on_with_its_own_user(agent: Agent[Any], store: ChatStore, user_id: str) -> None:
    session: Any = ContextChatSession("rome", lambda user: store.for_user(f"{user}-{user_id}"))

    said = [
        (await Runner.run(agent, f"of {user}", session=session, context=user)).final_output
        for user in ("ada", "eve", "ada")
    ]

    assert said == ["1. of ada: seat 1A", "1. of eve: seat 1A", "2. of ada: seat 1A"]


async def test_a_run_without_its_context_is_refused(agent: Agent[Any], store: ChatStore) -> None:
    session: Any = ContextChatSession("rome", store.for_user)

    with pytest.raises(InvalidInput, match="user_id"):
        await Runner.run(agent, "Hi", session=session)


async def test_a_callback_is_given_no_result_without_its_call(agent: Agent[Any], session: Any) -> None:
    await session.add_items([asked("A train"), call("c1"), output("c1"), said("Booked")])
    given: list[Any] = []

    def as_it_is(history: list[Any], new: list[Any]) -> list[Any]:
        given.extend(history)
        return history + new

    config = RunConfig(session_settings={"limit": 2}, session_input_callback=as_it_is)
    await Runner.run(agent, "Hi", session=session, run_config=config)

    assert given == [said("Booked")]


async def test_an_encrypted_session_keeps_its_items_here(agent: Agent[Any], session: Any, chat: UserChats) -> None:
    encrypted: Any = EncryptedSession("rome", session, encryption_key="a key of many random characters")

    await Runner.run(agent, "A train to Rome", session=encrypted)
    result = await Runner.run(agent, "And back", session=encrypted)

    assert result.final_output == "2. And back: seat 1A"
    assert {message.content for message in await chat.messages.last(conversation_id_of("rome"))} == {""}
    popped = await encrypted.pop_item()
    assert popped["content"][0]["text"] == result.final_output
