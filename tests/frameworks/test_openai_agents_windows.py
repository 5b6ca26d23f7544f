"""What a window into a session's log leaves out."""

from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_persistence.integrations.openai_agents.windows import CALLS_BY_RESULT, whole_window
from tests.frameworks.openai_items import Item, asked, call, output, said, thought

PROGRAM: Item = {"type": "program", "call_id": "p1", "code": "book()"}
OF_THE_PROGRAM: Item = {**call("c1"), "caller": {"type": "program", "caller_id": "p1"}}


def response(number: int, calls: int, *, thinks: bool, fate: str) -> list[Item]:
    """A model's response with tools that are called at once; an output comes late, or never, or all come in time."""
    ids = [f"c{number}-{each}" for each in range(calls)]
    called = [*([thought(f"rs_{number}")] if thinks else []), *map(call, ids)]
    outputs = [output(id) for id in ids]
    if fate == "in time":
        return [*called, *outputs, said("ok")]
    if fate == "first never":
        return [*called, *outputs[1:], said("ok")]
    return [*called, *outputs[:-1], asked("still there?"), *(outputs[-1:] if fate == "last late" else [])]


FATES = st.sampled_from(["in time", "first never", "last late", "last never"])
RESPONSES = st.lists(st.tuples(st.integers(0, 4), st.booleans(), FATES), max_size=6)


def window(log: list[Item], limit: int) -> list[Item]:
    return whole_window(log[-limit:], before=log[-limit - 1])


@given(responses=RESPONSES, data=st.data())
def test_every_window_has_the_calls_of_its_results_and_the_reasoning_of_its_calls(responses: Any, data: Any) -> None:
    turns = [
        response(number, calls, thinks=thinks, fate=fate) for number, (calls, thinks, fate) in enumerate(responses)
    ]
    log = [asked("first"), *chain.from_iterable(turns), asked("last")]
    limit = data.draw(st.integers(1, len(log) - 1))

    seen = window(log, limit)

    rest = iter(log[-limit:])
    assert all(item in rest for item in seen), "in order"
    calls = {item["call_id"] for item in seen if item.get("type") == "function_call"}
    assert {item["call_id"] for item in seen if item.get("type") == "function_call_output"} <= calls
    assert [item for item in seen if "role" in item] == [item for item in log[-limit:] if "role" in item]
    thinking = {f"c{number}-" for number, (_, thinks, _) in enumerate(responses) if thinks}
    thoughts = {f"c{item['id'][3:]}-" for item in seen if item.get("type") == "reasoning"}
    assert {prefix for prefix in thinking if any(id.startswith(prefix) for id in calls)} <= thoughts


@pytest.mark.parametrize(("result", "kind"), CALLS_BY_RESULT.items())
def test_a_result_of_every_kind_goes_with_its_call(result: str, kind: str) -> None:
    log: list[Item] = [asked("Hi"), {"type": kind, "call_id": "c1"}, {"type": result, "call_id": "c1"}, said("ok")]

    assert [len(window(log, limit)) for limit in (3, 2, 1)] == [3, 1, 1]


def test_a_call_of_the_same_id_but_another_kind_is_not_a_results_own() -> None:
    log = [call("c1"), {"type": "shell_call", "call_id": "c1"}, output("c1"), said("ok")]

    assert window(log, 3) == [said("ok")]


def test_an_approval_goes_with_its_request() -> None:
    asked_for: Item = {"type": "mcp_approval_request", "id": "r1", "name": "book"}
    log = [asked_for, {"type": "mcp_approval_response", "approval_request_id": "r1", "approve": True}, said("ok")]

    assert window([asked("Hi"), *log], 3) == log
    assert window(log, 2) == [said("ok")]


def test_what_a_program_called_goes_with_the_program() -> None:
    log = [asked("Hi"), PROGRAM, OF_THE_PROGRAM, output("c1"), {"type": "program_output", "call_id": "p1"}, said("ok")]

    assert [len(window(log, limit)) for limit in (5, 4, 3, 2, 1)] == [5, 1, 1, 1, 1]


def test_a_search_for_tools_without_an_id_goes_with_its_call() -> None:
    search, found = {"type": "tool_search_call"}, {"type": "tool_search_output", "tools": []}
    log = [asked("Hi"), search, found, said("ok")]

    assert [window(log, limit) for limit in (3, 2)] == [[search, found, said("ok")], [said("ok")]]


def test_a_result_that_came_late_goes_alone() -> None:
    log = [call("c1"), asked("still there?"), said("yes"), output("c1"), said("booked")]

    assert window(log, 4) == [asked("still there?"), said("yes"), said("booked")]


def test_a_call_that_waits_for_its_result_stays() -> None:
    log = [asked("Hi"), asked("A train"), thought("rs_1"), call("c1")]

    assert window(log, 3) == log[1:]
    assert window(log, 2) == log[2:]
    assert window(log, 1) == []


def test_the_words_of_a_model_stay_without_its_reasoning() -> None:
    assert window([asked("Hi"), thought("rs_1"), said("ok")], 1) == [said("ok")]


def test_a_summary_stays_before_a_result_without_its_call() -> None:
    summary: Item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"}

    assert window([call("c1"), summary, output("c1"), asked("Hi")], 3) == [summary, asked("Hi")]


def test_an_object_whose_type_is_no_text_is_in_nobodys_way() -> None:
    assert window([asked("Hi"), {"type": ["function_call_output"]}, {"type": {}}], 2) == [
        {"type": ["function_call_output"]},
        {"type": {}},
    ]
