"""What the demo tells a person: what it did, a conversation, what was measured, and what to write next."""

import json
from collections.abc import Callable, Mapping, Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from chat_persistence import MessageRead, MessageRole
from chat_persistence.cli.demo.measures import Measures, Speed
from chat_persistence.cli.demo.play import HISTORY
from chat_persistence.cli.demo.run import Outcome

FIGURES: Mapping[str, Callable[[Speed], str]] = {
    "turns a second": lambda speed: f"{speed.turns_per_second:,.0f}",
    f"read the last {HISTORY}: median": lambda speed: f"{speed.last_ms.median} ms",
    f"read the last {HISTORY}: 95 of 100 under": lambda speed: f"{speed.last_ms.p95} ms",
    "append a turn: median": lambda speed: f"{speed.append_ms.median} ms",
    "append a turn: 95 of 100 under": lambda speed: f"{speed.append_ms.p95} ms",
}

SHOWN_FAILURES = 20

SNIPPET = """\
from chat_persistence import ChatStore, MessageCreate

async with ChatStore({url}) as store:
    chat = store.for_user("ada")
    conversation = await chat.conversations.create()
    await chat.messages.append(conversation.id, MessageCreate(role="user", content="Hello"))
    print(await chat.messages.last(conversation.id, 50))
"""


def print_outcome(console: Console, outcome: Outcome, *, is_embedded: bool) -> None:
    """Print all of it."""
    _print_counts(console, outcome.measures)
    _print_chat(console, outcome)
    console.print(_table(outcome.measures))
    console.print(_verdict(outcome), style="green" if not outcome.failures else "red")
    console.print(
        "\nYour turn, in `python -m asyncio`:\n" if is_embedded else "\nYour turn, with DATABASE_URL set to the URL:\n"
    )
    console.print(SNIPPET.format(url='"embedded"' if is_embedded else ""), end="")


def print_failures(console: Console, failures: Sequence[str]) -> None:
    """Print the first of them: what breaks one thing may break thousands."""
    for failure in failures[:SHOWN_FAILURES]:
        console.print(f"wrong: {failure}")
    if len(failures) > SHOWN_FAILURES:
        console.print(f"and {len(failures) - SHOWN_FAILURES:,} more; `--json` lists them all")


def _print_counts(console: Console, measures: Measures) -> None:
    console.print(
        f"users: {measures.users}, languages: {measures.languages}, conversations: {measures.conversations:,}, "
        f"messages: {measures.messages:,}, with a tool call: {measures.tool_calls}"
    )
    if measures.skipped_lines:
        console.print(f"left out, because empty or not text: {measures.skipped_lines} lines of the corpus")
    if measures.found:
        console.print(f"found {measures.found:,} messages stored before; {measures.stored:,} stored now")


def _print_chat(console: Console, outcome: Outcome) -> None:
    shown = outcome.shown
    console.print(f"\n{shown.user_id} · {shown.dialogue.place} · the last of {len(shown.messages)} messages\n")
    for message in outcome.shown_messages:
        _print_message(console, message)


def _print_message(console: Console, message: MessageRead) -> None:
    # The words begin a line of their own, so that a terminal can tell whether they run from right to left.
    console.print(f"  {message.role}", style="cyan" if message.role == MessageRole.USER else "green")
    for call in message.tool_calls:
        result = json.dumps(call.result, ensure_ascii=False)
        console.print(f"    {call.name}({call.arguments}) gave {result}", style="dim")
    for line in message.content.splitlines():
        console.print(f"    {line}")


def _table(measures: Measures) -> Table:
    caption = f"the times include waiting for one of the pool's connections; with the self-check {measures.seconds} s"
    table = Table("", box=SIMPLE, caption=caption, caption_justify="left")
    speeds = {"one user at a time": measures.alone, f"{measures.users} users at once": measures.at_once}
    for heading in speeds:
        table.add_column(heading, justify="right")
    for name, figure in FIGURES.items():
        table.add_row(name, *(figure(speed) if speed else "" for speed in speeds.values()))
    return table


def _verdict(outcome: Outcome) -> str:
    if outcome.failures:
        return f"\nverified: {len(outcome.failures)} things are wrong"
    return "\nverified: every message is there once, in order, equal to the corpus, and nobody reaches another's"
