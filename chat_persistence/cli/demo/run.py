"""The demo from start to end: tables, play, self-check."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from chat_persistence import ChatStore, MessageRead
from chat_persistence.cli.demo.measures import Measures, measure
from chat_persistence.cli.demo.play import Performance, play_alone, play_at_once
from chat_persistence.cli.demo.progress import progress
from chat_persistence.cli.demo.script import Script
from chat_persistence.cli.demo.verify import verify

ALONE = 100
"""At most so many conversations are played with nobody else about, and at most a tenth."""

SHOWN = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo has to tell."""

    measures: Measures
    failures: list[str]
    shown: Script
    shown_messages: list[MessageRead]


async def run(url: str, scripts: Sequence[Script], *, migrate: bool) -> Outcome:
    """Play all scripts and verify them; without `migrate`, raise `SchemaMismatch` where it is needed."""
    began = perf_counter()
    async with ChatStore(url) as store:
        await (store.migrate() if migrate else store.check())
        alone, at_once = await _play(store, scripts)
        with progress("reading conversations back", len(scripts)) as after_conversation:
            failures = await verify(store, scripts, after_conversation)
        shown = _worth_showing(scripts)
        messages = await store.for_user(shown.user_id).messages.last(shown.conversation_id, SHOWN)
    measures = measure(scripts, alone, at_once, perf_counter() - began)
    return Outcome(measures, [*alone.failures, *at_once.failures, *failures], shown, messages)


async def _play(store: ChatStore, scripts: Sequence[Script]) -> tuple[Performance, Performance]:
    step = max(10, len(scripts) // ALONE)
    rest = [script for place, script in enumerate(scripts) if place % step]
    with progress("playing turns", sum(len(script.turns) for script in scripts)) as after_turn:
        alone = await play_alone(store, scripts[::step], after_turn)
        return alone, await play_at_once(store, rest, after_turn)


def _worth_showing(scripts: Sequence[Script]) -> Script:
    """Return a long conversation, rather in the language of this text, and rather with a tool call near its end."""

    def worth(script: Script) -> tuple[bool, bool, int]:
        calls = any(message.tool_calls for message in script.messages[-SHOWN:])
        is_long = len(script.messages) >= SHOWN
        return script.dialogue.language == "english", is_long and calls, len(script.messages)

    return max(scripts, key=worth)
