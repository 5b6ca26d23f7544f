"""What Gemini's contents say in other words, and what they cannot."""

from typing import Any

import pytest

from chat_persistence import InvalidInput, ToolCall
from chat_persistence.provider_formats import (
    from_anthropic_messages,
    from_gemini_contents,
    from_vercel_ui_messages,
    to_anthropic_messages,
    to_gemini_contents,
    to_openai_chat,
    to_vercel_ui_messages,
)
from tests.unit.provider_formats.checkers import anthropic_messages, gemini_contents
from tests.unit.provider_formats.ours import A_TURN, assistant, said, user


def test_ours_come_back_but_for_arguments_and_the_messages_of_results() -> None:
    items = to_gemini_contents(A_TURN)

    gemini_contents.check(items)
    assert said(from_gemini_contents(items)) == [
        ("user", "A train to Rome", []),
        (
            "assistant",
            "Let me look.",
            [ToolCall("c1", "find", '{"to": "Rome"}'), ToolCall("c2", "weather", '{"input": "sunny?"}')],
        ),
        ("assistant", "", [ToolCall("c1", result={"seat": "12A"}), ToolCall("c2", result=[1, None], is_error=True)]),
        ("assistant", "Booked: 12A.", []),
    ]


@pytest.mark.parametrize(
    "result", [None, "", "text", 1.5, [], {}, {"output": 1}, {"error": "no"}, {"output": 1, "b": 2}]
)
@pytest.mark.parametrize("is_error", [False, True])
def test_any_result_comes_back(result: Any, is_error: bool) -> None:
    messages = [
        assistant("", ToolCall("c1", "find", "{}")),
        assistant("", ToolCall("c1", None, None, result, is_error)),
    ]

    assert said(from_gemini_contents(to_gemini_contents(messages))) == said(messages)


def test_calls_without_ids_find_their_responses_and_have_ids_of_their_own_elsewhere() -> None:
    step: list[dict[str, Any]] = [
        {"role": "model", "parts": [{"functionCall": {"name": "find", "args": {"n": n}}} for n in (1, 2)]},
        {"role": "user", "parts": [{"functionResponse": {"name": "find", "response": {"n": n}}} for n in (1, 2)]},
    ]
    read = from_gemini_contents([*step, *step])

    assert [call.id for message in read[:2] for call in message.tool_calls] == ["find-1", "find-2"] * 2
    items = to_anthropic_messages(read)
    anthropic_messages.check(items)
    assert len({block["id"] for item in items[::2] for block in item["content"]}) == 4


def test_code_that_gemini_runs_is_a_call_with_its_result() -> None:
    parts: list[dict[str, Any]] = [
        {"executableCode": {"language": "PYTHON", "code": "print(4)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4\n"}},
        {"executable_code": {"language": "PYTHON", "code": "1/0", "id": "x"}},
        {"code_execution_result": {"outcome": "OUTCOME_FAILED", "output": "ZeroDivisionError", "id": "x"}},
        {"text": "Four."},
    ]
    (message,) = from_gemini_contents([{"role": "model", "parts": parts}])

    assert message.tool_calls == [
        ToolCall("code_execution-1", "code_execution", '{"language": "PYTHON", "code": "print(4)"}', "4\n"),
        ToolCall("x", "code_execution", '{"language": "PYTHON", "code": "1/0"}', "ZeroDivisionError", is_error=True),
    ]
    roles = [item["role"] for item in to_openai_chat([message])]
    assert roles == ["assistant", "tool", "assistant", "tool", "assistant"]


def test_the_letters_of_base64_are_those_that_others_take() -> None:
    image = {"inline_data": {"mime_type": "image/png", "data": "-_-_"}}

    (item,) = to_openai_chat(from_gemini_contents([{"role": "user", "parts": [image]}]))

    assert item["content"][0]["image_url"]["url"] == "data:image/png;base64,+/+/"


def test_a_thought_goes_through_the_ai_sdk_with_its_signature() -> None:
    items = [{"role": "model", "parts": [{"text": "Hm.", "thought": True, "thoughtSignature": "Et"}, {"text": "4"}]}]

    ui = to_vercel_ui_messages(from_gemini_contents(items))

    assert to_gemini_contents(from_vercel_ui_messages(ui)) == items


def test_a_step_of_another_model_is_signed_at_its_first_call() -> None:
    calls = [ToolCall("c1", "find", "{}"), ToolCall("c2", "2fast", "{}")]
    content = to_gemini_contents([user("Hi"), assistant("", *calls)])[-1]

    assert [sorted(part) for part in content["parts"]] == [["functionCall", "thoughtSignature"], ["functionCall"]]
    assert content["parts"][1]["functionCall"]["name"] == "_2fast"


@pytest.mark.parametrize(("url", "media_type"), [("https://x.org/a.webp", "image/webp"), ("https://x.org/a", None)])
def test_a_file_at_a_url_has_the_media_type_of_its_ending(url: str, media_type: str | None) -> None:
    image = {"type": "image", "source": {"type": "url", "url": url}}

    (item,) = to_gemini_contents(from_anthropic_messages([{"role": "user", "content": [image]}]))

    assert item["parts"][0]["fileData"].get("mimeType") == media_type


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"role": "assistant", "parts": []}, "items[0].role: Input should be 'user', 'model', 'function' or 'tool'"),
        ({"role": "user", "content": "secret"}, "items[0]: must have parts"),
        ({}, "items[0]: must have parts"),
        ({"parts": ["secret"]}, "items[0].parts[0]: Input should be a valid dictionary"),
    ],
)
def test_what_is_no_content_is_named_without_its_text(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_gemini_contents([item])

    assert str(caught.value) == reason
