"""What Cohere's chat says in other words, and what it cannot."""

from typing import Any

import pytest

from chat_persistence import InvalidInput, ToolCall
from chat_persistence.provider_formats import (
    from_anthropic_messages,
    from_cohere_chat,
    from_openai_chat,
    to_anthropic_messages,
    to_cohere_chat,
)
from tests.unit.provider_formats.checkers import cohere_chat
from tests.unit.provider_formats.ours import A_TURN, assistant, said

CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}


def test_ours_come_back_but_for_results_that_are_no_text_and_what_is_an_error() -> None:
    items = to_cohere_chat(A_TURN)

    cohere_chat.check(items)
    assert said(from_cohere_chat(items)) == [
        *said(A_TURN[:2]),
        ("assistant", "", [ToolCall("c1", result='{"seat": "12A"}')]),
        ("assistant", "", [ToolCall("c2", result="[1, null]")]),
        *said(A_TURN[4:]),
    ]


def test_what_openai_says_beside_a_call_is_its_plan() -> None:
    items: list[dict[str, Any]] = [
        {"role": "assistant", "content": "Let me look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "12A"},
    ]

    assert to_cohere_chat(from_openai_chat(items)) == [
        {"role": "assistant", "tool_plan": "Let me look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "12A"},
    ]


@pytest.mark.parametrize(
    ("content", "result"),
    [
        ("12A", "12A"),
        ([{"type": "text", "text": "12A"}, {"type": "text", "text": "12B"}], "12A\n12B"),
        ([{"type": "document", "document": {"data": {"seat": "12A"}}}], {"seat": "12A"}),
        ([{"type": "document", "document": {"data": "12A"}}, {"type": "text", "text": "12B"}], ["12A", "12B"]),
        ([{"type": "document", "document": {}}], {"type": "document", "document": {}}),
    ],
)
def test_a_result_is_what_its_documents_are_made_of(content: Any, result: Any) -> None:
    (message,) = from_cohere_chat([{"role": "tool", "tool_call_id": "c1", "content": content}])

    assert message.tool_calls == [ToolCall("c1", result=result)]


def test_a_thought_of_coheres_is_none_that_anthropic_would_take() -> None:
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Four."}]
    items = [{"role": "assistant", "content": content}]

    assert to_anthropic_messages(from_cohere_chat(items)) == [{"role": "assistant", "content": "Four."}]


def test_a_file_that_is_no_image_and_any_of_the_assistants_is_left_out() -> None:
    pdf = {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}}
    image = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    items: list[dict[str, Any]] = [{"role": role, "content": [image, pdf]} for role in ("user", "assistant")]

    assert to_cohere_chat(from_anthropic_messages(items)) == [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]}
    ]


def test_calls_and_results_are_left_out_that_are_alone() -> None:
    messages = [assistant("", ToolCall("c0", result="0")), assistant("", ToolCall("c1", "find")), assistant("Hi")]

    assert to_cohere_chat(messages) == [{"role": "assistant", "content": "Hi"}]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"role": "secret"}, "items[0].role: Input should be 'system', 'user', 'assistant' or 'tool'"),
        ({"role": "user", "content": 7}, "items[0].content: must be a text, a list of parts, or null"),
        ({"role": "tool", "tool_call_id": "\0"}, "items[0].tool_call_id: must hold neither U+0000 nor surrogates"),
    ],
)
def test_what_is_no_message_is_named_without_its_text(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_cohere_chat([item])

    assert str(caught.value) == reason
