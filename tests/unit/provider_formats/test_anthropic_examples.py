"""What Anthropic's Messages say in other words, and what they cannot."""

from typing import Any

import pytest

from chat_persistence import InvalidInput, MessageCreate, ToolCall
from chat_persistence.provider_formats import (
    from_anthropic_messages,
    from_vercel_ui_messages,
    to_anthropic_messages,
    to_gemini_contents,
    to_openai_chat,
    to_vercel_ui_messages,
)
from tests.unit.provider_formats.checkers import anthropic_messages
from tests.unit.provider_formats.ours import A_TURN, assistant, said, user


def _nested(depth: int) -> dict[str, Any]:
    value: Any = {}
    for _ in range(depth):
        value = [value]
    return {"type": "tool_use", "id": "c1", "name": "find", "input": value}


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}


def test_ours_come_back_but_for_arguments_results_and_the_messages_of_these() -> None:
    items = to_anthropic_messages(A_TURN)

    anthropic_messages.check(items)
    assert said(from_anthropic_messages(items)) == [
        ("user", "A train to Rome", []),
        (
            "assistant",
            "Let me look.",
            [ToolCall("c1", "find", '{"to": "Rome"}'), ToolCall("c2", "weather", '{"input": "sunny?"}')],
        ),
        (
            "assistant",
            "",
            [ToolCall("c1", result='{"seat": "12A"}'), ToolCall("c2", result="[1, null]", is_error=True)],
        ),
        ("assistant", "Booked: 12A.", []),
    ]


def test_a_text_of_spaces_is_left_out_and_a_message_of_nothing_else() -> None:
    messages = [user(" \n"), user("Hi"), assistant("\t", ToolCall("c1", "find", "{}", result=""))]

    assert to_anthropic_messages(messages) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "find", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1"}]},
    ]


def test_an_id_and_a_name_that_anthropic_refuses_are_others_and_always_the_same() -> None:
    messages = [assistant("", ToolCall("search:0", "web.search", "{}")), assistant("", ToolCall("search:0", result=1))]

    items = to_anthropic_messages(messages)

    anthropic_messages.check(items)
    assert items == to_anthropic_messages(messages)
    assert items[0]["content"][0]["name"] == "web_search"


def test_calls_of_one_id_are_told_apart() -> None:
    twice = [assistant("", ToolCall("find", "find", "{}")), assistant("", ToolCall("find", result="1"))] * 2

    items = to_anthropic_messages([user("Hi"), *twice, assistant("Done")])

    anthropic_messages.check(items)
    assert len({block["id"] for item in items for block in item["content"] if "id" in block}) == 2


def test_a_thought_goes_through_the_ai_sdk_with_its_signature_and_to_no_other_provider() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "EqkB"}
    items = [{"role": "assistant", "content": [thought, {"type": "text", "text": "Four."}]}]

    ui = to_vercel_ui_messages(from_anthropic_messages(items))

    messages = from_vercel_ui_messages(ui)
    assert to_anthropic_messages(messages) == items
    assert "Hm." not in str([to_openai_chat(messages), to_gemini_contents(messages)])


def test_an_image_in_a_result_reaches_those_who_can_see_it() -> None:
    content = [{"type": "text", "text": "Here:"}, IMAGE]
    items: list[dict[str, Any]] = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "draw", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": content}]},
    ]
    messages = from_anthropic_messages(items)

    assert to_gemini_contents(messages)[1]["parts"][0]["functionResponse"] == {
        "id": "c1",
        "name": "draw",
        "response": {"output": "Here:"},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBO"}}],
    }
    assert to_openai_chat(messages)[1]["content"] == "Here:"
    assert messages[1].tool_calls == [ToolCall("c1", result=content)]


def test_an_answer_is_read_whole_and_sent_as_a_message() -> None:
    said_in_it = {"role": "assistant", "content": [{"type": "text", "text": "Four."}]}
    answer = {"id": "msg_1", "type": "message", "model": "claude-opus-5", "usage": {"output_tokens": 4}, **said_in_it}

    (message,) = from_anthropic_messages([answer])

    assert (message.content, message.native) == ("Four.", answer)
    assert to_anthropic_messages([message]) == [said_in_it]


def test_what_a_person_says_beside_results_is_the_persons() -> None:
    results = [{"type": "tool_result", "tool_use_id": "c1", "content": "1"}, {"type": "text", "text": "Hurry!"}]

    assert said(from_anthropic_messages([{"role": "user", "content": results}])) == [
        ("user", "Hurry!", [ToolCall("c1", result="1")])
    ]


def test_a_tool_of_anthropics_own_has_its_result_beside_it() -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "server_tool_use", "id": "srv1", "name": "web_fetch", "input": {"url": "https://example.org"}},
        {
            "type": "web_fetch_tool_result",
            "tool_use_id": "srv1",
            "content": {"type": "web_fetch_tool_result_error", "error_code": "url_not_accessible"},
        },
        {"type": "text", "text": "It is down."},
    ]
    (message,) = from_anthropic_messages([{"role": "assistant", "content": blocks}])

    assert message.tool_calls == [
        ToolCall("srv1", "web_fetch", '{"url": "https://example.org"}', blocks[1]["content"], is_error=True)
    ]
    assert [item["role"] for item in to_openai_chat([message])] == ["assistant", "tool", "assistant"]


def test_plain_text_is_a_document_and_a_file_of_another_kind_none() -> None:
    def asked(media_type: str, data: str) -> list[dict[str, Any]]:
        file = {"type": "file", "mediaType": media_type, "url": f"data:{media_type};base64,{data}", "filename": "a"}
        return to_anthropic_messages(from_vercel_ui_messages([{"id": "1", "role": "user", "parts": [file]}]))

    text = {"type": "text", "media_type": "text/plain", "data": "Hi"}
    assert asked("text/plain", "SGk=") == [
        {"role": "user", "content": [{"type": "document", "source": text, "title": "a"}]}
    ]
    assert asked("text/plain", "/w==") == asked("audio/wav", "SGk=") == asked("image/tiff", "SGk=") == []


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"role": "tool", "content": "secret"}, "items[0].role: Input should be 'user', 'assistant' or 'system'"),
        ({"role": "user"}, "items[0].content: Field required"),
        ({"role": "user", "content": None}, "items[0].content: must be a text or a list of blocks"),
        ({"role": "assistant", "content": [_nested(100_000)]}, "items[0]: nested deeper than 64"),
        ({"role": "user", "content": ["secret"]}, "items[0].content: must be a text or a list of blocks"),
    ],
)
def test_what_is_no_message_is_named_without_its_text(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_anthropic_messages([item])

    assert str(caught.value) == reason


def test_a_native_of_several_items_is_said_item_by_item() -> None:
    items = [{"role": "assistant", "content": [{"type": "text", "text": "a"}]}, {"role": "user", "content": [IMAGE]}]

    assert to_anthropic_messages([MessageCreate(role="assistant", native=items)]) == items
