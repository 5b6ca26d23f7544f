"""What the AI SDK's messages say in other words, and what they cannot."""

from typing import Any

import pytest

from chat_persistence import InvalidInput, ToolCall
from chat_persistence.provider_formats import (
    from_openai_responses,
    from_vercel_ui_messages,
    to_openai_chat,
    to_vercel_ui_messages,
)
from tests.unit.provider_formats.checkers import vercel_ui_messages
from tests.unit.provider_formats.ours import A_TURN, assistant, said, user


def test_ours_come_back_as_one_message_an_answer_and_errors_as_text() -> None:
    items = to_vercel_ui_messages(A_TURN)

    vercel_ui_messages.check(items)
    assert [item["id"] for item in items] == [str(A_TURN[0].id), str(A_TURN[1].id)]
    assert said(from_vercel_ui_messages(items)) == [
        ("user", "A train to Rome", []),
        (
            "assistant",
            "Let me look.\nBooked: 12A.",
            [
                ToolCall("c1", "find", '{"to": "Rome"}', {"seat": "12A"}),
                ToolCall("c2", "weather", "sunny?", "[1, null]", is_error=True),
            ],
        ),
    ]


def test_an_answer_has_its_steps_apart() -> None:
    kinds = [part["type"] for part in to_vercel_ui_messages(A_TURN)[1]["parts"]]

    assert kinds == ["text", "dynamic-tool", "dynamic-tool", "step-start", "text"]


def test_a_message_of_a_person_that_holds_results_is_several_with_ids_of_their_own() -> None:
    message = user("Look").model_copy(update={"tool_calls": [ToolCall("c1", "find", "{}", result=1)]})

    items = to_vercel_ui_messages([message])

    assert [(item["role"], item["id"]) for item in items] == [
        ("assistant", str(message.id)),
        ("user", f"{message.id}-2"),
    ]


def test_the_last_call_waits_for_its_result() -> None:
    part = to_vercel_ui_messages([assistant("", ToolCall("c1", "find", "[1]"))])[0]["parts"][0]

    assert part == {
        "type": "dynamic-tool",
        "toolName": "find",
        "toolCallId": "c1",
        "input": [1],
        "state": "input-available",
    }


def test_what_came_of_a_call_later_is_put_into_the_message_that_made_it() -> None:
    def tools(**state: dict[str, Any]) -> dict[str, Any]:
        parts = [{"type": "tool-ask", "toolCallId": called, "input": {}, **state[called]} for called in ("a", "b", "c")]
        return {"id": "1", "role": "assistant", "parts": [{"type": "text", "text": "One moment"}, *parts]}

    waiting = {"state": "input-available"}
    later = [ToolCall("a", result=7), ToolCall("b", result="No", is_error=True)]
    messages = [*from_vercel_ui_messages([tools(a=waiting, b=waiting, c=waiting)]), assistant("", *later), user("Hi")]

    items = to_vercel_ui_messages(messages)

    assert items[0] == tools(
        a={"state": "output-available", "output": 7}, b={"state": "output-error", "errorText": "No"}, c=waiting
    )
    assert [item["role"] for item in items] == ["assistant", "user"]


@pytest.mark.parametrize(
    ("state", "call"),
    [
        ({"state": "input-streaming"}, ToolCall("c1", "pay", "")),
        ({"state": "input-available", "input": {"sum": 7}}, ToolCall("c1", "pay", '{"sum": 7}')),
        ({"state": "output-available", "input": {}, "output": None}, ToolCall("c1", "pay", "{}", None)),
        (
            {"state": "output-error", "rawInput": '{"sum":', "errorText": "No JSON"},
            ToolCall("c1", "pay", '{"sum":', "No JSON", is_error=True),
        ),
        (
            {"state": "output-error", "input": None, "rawInput": [1], "errorText": "No object"},
            ToolCall("c1", "pay", "[1]", "No object", is_error=True),
        ),
        (
            {"state": "output-denied", "input": {}, "approval": {"id": "a", "approved": False, "reason": "No."}},
            ToolCall("c1", "pay", "{}", "No.", is_error=True),
        ),
        (
            {"state": "output-denied", "input": {}, "approval": {"id": "a", "approved": False}},
            ToolCall("c1", "pay", "{}", "Tool execution denied.", is_error=True),
        ),
    ],
)
@pytest.mark.parametrize("kind", [{"type": "tool-pay"}, {"type": "dynamic-tool", "toolName": "pay"}])
def test_each_state_of_a_tool_is_read(kind: dict[str, Any], state: dict[str, Any], call: ToolCall) -> None:
    parts = [kind | {"toolCallId": "c1"} | state]

    (message,) = from_vercel_ui_messages([{"id": "1", "role": "assistant", "parts": parts}])

    assert message.tool_calls == [call]


def test_tools_that_were_called_together_are_called_together_elsewhere() -> None:
    def tool(called: str) -> dict[str, Any]:
        return {"type": "tool-find", "toolCallId": called, "state": "output-available", "input": {}, "output": called}

    parts = [tool("a"), tool("b"), {"type": "step-start"}, tool("c"), {"type": "text", "text": "Done"}]
    items = to_openai_chat(from_vercel_ui_messages([{"id": "1", "role": "assistant", "parts": parts}]))

    calls = [[call["id"] for call in item.get("tool_calls", ())] or item["content"] for item in items]
    assert calls == [["a", "b"], "a", "b", ["c"], "c", "Done"]


def test_a_thought_of_openais_has_what_is_encrypted_where_the_sdk_looks_for_it() -> None:
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "gAAA",
    }

    ui = to_vercel_ui_messages(from_openai_responses([reasoning, {"role": "assistant", "content": "Four."}]))

    openai = {"itemId": "rs_1", "reasoningEncryptedContent": "gAAA"}
    assert ui[0]["parts"][0] == {"type": "reasoning", "text": "Hm.", "providerMetadata": {"openai": openai}}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"role": "user", "parts": []}, "items[0].id: Field required"),
        ({"id": "1", "role": "tool", "parts": []}, "items[0].role: Input should be 'system', 'user' or 'assistant'"),
        ({"id": "1", "role": "user", "content": "secret"}, "items[0].parts: Field required"),
    ],
)
def test_what_is_no_message_is_named_without_its_text(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_vercel_ui_messages([item])

    assert str(caught.value) == reason
