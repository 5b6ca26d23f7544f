"""Any program, told to sessions of ours and to the SDK's own in SQLite: both answer the same."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from agents import SQLiteSession
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, MessageCreate, ToolCall, conversation_id_of
from chat_persistence.integrations.openai_agents import ChatSession
from tests.frameworks.openai_items import Item, asked, call, output, said, thought
from tests.integration.test_pages_by_model import database

TEXTS = st.text(st.sampled_from("a\x00\ud83d\ufdd0 é"), max_size=3)
IDS = st.sampled_from(["c1", "c2"])
ITEMS = st.one_of(
    TEXTS.map(asked),
    TEXTS.map(said),
    IDS.map(call),
    IDS.map(output),
    IDS.map(thought),
    st.dictionaries(
        st.sampled_from(["role", "content", "type", "id", "x"]),
        TEXTS | st.none() | st.integers(0, 3) | st.lists(TEXTS, max_size=1),
    ),
)


@dataclass(frozen=True)
class Step:
    """What is done, by which of two processes."""

    what: str
    who: int
    items: list[Item]
    limit: int | None


STEPS = st.builds(
    Step,
    what=st.sampled_from(["add", "add", "add", "get", "get", "pop", "pop", "clear", "elsewhere"]),
    who=st.integers(0, 1),
    items=st.lists(ITEMS, max_size=6),
    limit=st.sampled_from([None, -1, 0, 1, 2, 3, 5, 8, 1_000, 2_000]),
)


async def answer(session: Any, step: Step) -> Any:
    match step.what:
        case "add":
            return await session.add_items(step.items)
        case "get":
            return await session.get_items(step.limit)
        case "pop":
            return await session.pop_item()
        case "clear":
            return await session.clear_session()


def is_window_of(ours: list[Item], theirs: list[Item]) -> bool:
    """Whether nothing but what belongs to a tool was left out, or, where there is nothing else, was put before it."""
    if theirs and all(map(is_of_a_tool, theirs)):
        return all(map(is_of_a_tool, ours))
    rest = iter(theirs)
    return all(item in rest for item in ours) and all(item in ours or is_of_a_tool(item) for item in theirs)


def is_of_a_tool(item: Item) -> bool:
    return item.get("type") in ("function_call", "function_call_output", "reasoning")


def written_elsewhere() -> MessageCreate:
    return MessageCreate(role="assistant", tool_calls=[ToolCall("c9", "book", '{"to": "Rome"}', result="12A")])


@given(steps=st.lists(STEPS, min_size=5, max_size=30))
@settings(database, max_examples=60)
async def test_any_program_is_answered_as_by_sqlite(store: ChatStore, steps: list[Step]) -> None:
    chat = store.for_user(f"model-{uuid4()}")
    processes = [ChatSession("rome", chat) for _ in range(2)]
    with closing(SQLiteSession("rome")) as theirs:
        for step in steps:
            if step.what == "elsewhere":
                await chat.messages.append(conversation_id_of("rome"), written_elsewhere(), create_conversation=True)
                await answer(theirs, Step("add", 0, [call("c9"), output("c9")], None))
                continue
            found, expected = await answer(processes[step.who], step), await answer(theirs, step)
            is_window = step.what == "get" and len(expected) == step.limit
            assert is_window_of(found, expected) if is_window else found == expected
        assert await processes[0].get_items() == await theirs.get_items()
