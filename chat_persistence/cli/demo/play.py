"""The chatbot's runtime: before each turn it reads the last messages, after it it stores the turn."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter

from chat_persistence import ChatStore, MessageRead, UserChats
from chat_persistence.cli.demo.comparison import differences
from chat_persistence.cli.demo.script import Script, Turn
from chat_persistence.cli.demo.users import by_user

HISTORY = 20
"""How many messages a model is given before each of its answers."""


@dataclass(slots=True)
class Performance:
    """What happened, and how many seconds each operation took, waiting for a connection included."""

    reads: list[float] = field(default_factory=list)
    appends: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stored: int = 0
    found: int = 0
    failures: list[str] = field(default_factory=list)


async def play_alone(store: ChatStore, scripts: Iterable[Script], after_turn: Callable[[], None]) -> Performance:
    """Play one conversation after another, with nobody else about."""
    performance = Performance()
    began = perf_counter()
    for script in scripts:
        await _play(store.for_user(script.user_id), [script], performance, after_turn)
    performance.seconds = perf_counter() - began
    return performance


async def play_at_once(store: ChatStore, scripts: Iterable[Script], after_turn: Callable[[], None]) -> Performance:
    """Play all users at the same time, each in a task of its own and one conversation after another."""
    performance = Performance()
    began = perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for user_id, own in by_user(scripts).items():
            tasks.create_task(_play(store.for_user(user_id), own, performance, after_turn))
    performance.seconds = perf_counter() - began
    return performance


async def _play(
    chat: UserChats, scripts: Iterable[Script], performance: Performance, after_turn: Callable[[], None]
) -> None:
    for script in scripts:
        played = 0
        for turn in script.turns:
            await _play_turn(chat, script, turn, played, performance)
            played += len(turn)
            after_turn()


async def _play_turn(chat: UserChats, script: Script, turn: Turn, played: int, performance: Performance) -> None:
    began = perf_counter()
    history = await chat.messages.last(script.conversation_id, HISTORY)
    performance.reads.append(perf_counter() - began)
    performance.failures += _differences(script, history, played)
    began = perf_counter()
    stored = await chat.messages.append(script.conversation_id, *turn, create_conversation=True)
    performance.appends.append(perf_counter() - began)
    found = sum(message.position <= _newest(history) for message in stored)
    performance.found += found
    performance.stored += len(stored) - found


def _differences(script: Script, history: list[MessageRead], played: int) -> list[str]:
    # An earlier run may have got further in this conversation.
    so_far = max(played, _newest(history))
    first = max(0, so_far - HISTORY)
    where = f"{script.dialogue.place}, after {played} messages"
    return differences(where, history, script.messages[first:so_far], first_position=first + 1)


def _newest(history: list[MessageRead]) -> int:
    return history[-1].position if history else 0
