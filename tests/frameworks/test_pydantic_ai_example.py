"""The example's agent in processes of its own, which are killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from chat_persistence import ChatStore, conversation_id_of

ROOT = Path(__file__).parents[2]


class Process:
    """The example as somebody runs it."""

    def __init__(self, url: str, user_id: str, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "examples.pydantic_ai_agent", user_id, name],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def say(self, prompt: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{prompt}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


async def test_an_agent_that_is_killed_between_two_turns_goes_on_in_another_process(
    migrated_database: str, store: ChatStore, user_id: str, processes: ExitStack
) -> None:
    name = f"trip-{uuid4()}"
    first = processes.enter_context(Process(migrated_database, user_id, name))
    assert first.say("To Rome") == "At 9:05. You have said: To Rome."
    first.kill()
    second = processes.enter_context(Process(migrated_database, user_id, name))

    assert second.say("And back") == "At 9:05. You have said: To Rome, And back."
    messages = await store.for_user(user_id).messages.last(conversation_id_of(name))
    assert [(message.role, message.content) for message in messages if message.content] == [
        ("user", "To Rome"),
        ("assistant", "At 9:05. You have said: To Rome."),
        ("user", "And back"),
        ("assistant", "At 9:05. You have said: To Rome, And back."),
    ]


async def test_two_processes_take_turns_in_one_conversation(
    migrated_database: str, user_id: str, processes: ExitStack
) -> None:
    name = f"trip-{uuid4()}"
    one, other = (processes.enter_context(Process(migrated_database, user_id, name)) for _ in range(2))

    one.say("To Rome")
    other.say("And back")

    assert one.say("Thanks") == "At 9:05. You have said: To Rome, And back, Thanks."
