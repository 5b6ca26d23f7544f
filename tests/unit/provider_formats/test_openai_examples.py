"""What OpenAI's formats cannot say, and what is no item of theirs."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chat_persistence import InvalidInput, MessageCreate, ToolCall
from chat_persistence.provider_formats import (
    from_openai_chat,
    from_openai_responses,
    from_vercel_ui_messages,
    instructions_of,
    to_openai_chat,
    to_openai_responses,
    to_vercel_ui_messages,
)
from tests.unit.provider_formats.checkers import openai_chat, openai_responses
from tests.unit.provider_formats.ours import assistant, user

From = Callable[[Sequence[dict[str, Any]]], list[MessageCreate]]
To = Callable[[Sequence[MessageCreate]], list[dict[str, Any]]]

SECRET = "s3cret-of-a-user"  # noqa: S105


def chat_call(called: str, name: str = "find", arguments: str = "{}") -> dict[str, Any]:
    return {"id": called, "type": "function", "function": {"name": name, "arguments": arguments}}


TURNS: list[tuple[list[MessageCreate], list[dict[str, Any]]]] = [
    # A result is text, and says not that it is an error.
    (
        [assistant("", ToolCall("c1", "find", "{}")), assistant("", ToolCall("c1", result={"to": "Ä"}, is_error=True))],
        [
            {"role": "assistant", "content": None, "tool_calls": [chat_call("c1")]},
            {"role": "tool", "tool_call_id": "c1", "content": '{"to": "Ä"}'},
        ],
    ),
    # A call with its result is two messages, and the text after them a third.
    (
        [assistant("Booked", ToolCall("c1", "find", "{}", result=None))],
        [
            {"role": "assistant", "content": None, "tool_calls": [chat_call("c1")]},
            {"role": "tool", "tool_call_id": "c1", "content": "null"},
            {"role": "assistant", "content": "Booked"},
        ],
    ),
    # Calls that follow each other are made at once, and results follow them, whatever was said meanwhile.
    (
        [
            assistant("Wait", ToolCall("c1", "find", "{}")),
            assistant("", ToolCall("c2", "book", "{}")),
            assistant("", ToolCall("c1", result="1")),
            user("And?"),
            assistant("", ToolCall("c2", result="2")),
        ],
        [
            {"role": "assistant", "content": "Wait", "tool_calls": [chat_call("c1"), chat_call("c2", "book")]},
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
            {"role": "tool", "tool_call_id": "c2", "content": "2"},
            {"role": "user", "content": "And?"},
        ],
    ),
    # What a user's message calls is called by the assistant.
    (
        [MessageCreate(role="user", content="Look", tool_calls=[ToolCall("c1", "find", result="1")])],
        [
            {"role": "assistant", "content": None, "tool_calls": [chat_call("c1")]},
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
            {"role": "user", "content": "Look"},
        ],
    ),
    # A result whose call is not there is left out, as is a call of which nothing came although the chat went on.
    (
        [assistant("", ToolCall("c0", result="0")), assistant("Wait", ToolCall("c1", "find")), user("Never mind")],
        [{"role": "assistant", "content": "Wait"}, {"role": "user", "content": "Never mind"}],
    ),
    # The last call waits for its result.
    (
        [user("Look"), assistant("", ToolCall("c1", "find"))],
        [{"role": "user", "content": "Look"}, {"role": "assistant", "content": None, "tool_calls": [chat_call("c1")]}],
    ),
    # Calls of one id are told apart while they wait; names are such that OpenAI takes them.
    (
        [
            assistant("", ToolCall("c", "a.b"), ToolCall("c", "")),
            assistant("", *[ToolCall("c", result=n) for n in "12"]),
        ],
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [chat_call("c", "a_b"), chat_call("c-2", "unnamed")],
            },
            {"role": "tool", "tool_call_id": "c", "content": "1"},
            {"role": "tool", "tool_call_id": "c-2", "content": "2"},
        ],
    ),
    # A call without arguments has an empty object of them.
    (
        [MessageCreate(role="assistant", native={"type": "function_call", "call_id": "c1", "name": "find"})],
        [{"role": "assistant", "content": None, "tool_calls": [chat_call("c1")]}],
    ),
    # What a model thought is its provider's, and where a cache begins is Anthropic's.
    (
        [
            MessageCreate(
                role="user", native={"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {}}]}
            )
        ],
        [{"role": "user", "content": "Hi"}],
    ),
    ([MessageCreate(role="assistant", native={"id": "rs_1", "type": "reasoning", "summary": []})], []),
]


@pytest.mark.parametrize(("messages", "items"), TURNS)
def test_what_chat_completions_cannot_say_is_said_as_it_can(
    messages: list[MessageCreate], items: list[dict[str, Any]]
) -> None:
    assert to_openai_chat(messages) == items


def test_an_id_that_is_too_long_is_another_one_and_always_the_same() -> None:
    long = "c" * 100
    messages = [assistant("", ToolCall(long, "find", "{}")), assistant("", ToolCall(long, result="1"))]

    openai_chat.check(to_openai_chat(messages))
    openai_responses.check(to_openai_responses(messages))
    assert to_openai_chat(messages)[1]["tool_call_id"] == to_openai_responses(messages)[0]["call_id"]


@pytest.mark.parametrize(
    ("read", "items", "reason"),
    [
        (from_openai_chat, [{"role": "user", "content": "Hi"}, {"role": SECRET}], "items[1].role: must be system, "),
        (from_openai_chat, [{"content": SECRET}], "items[0].role: Field required"),
        (from_openai_chat, [{"role": "user", "content": {SECRET: 1}}], "items[0].content: must be a text, a list of"),
        (from_openai_chat, [SECRET], "items[0]: must be an object"),
        (
            from_openai_chat,
            [{"role": "assistant", "tool_calls": [{"id": "c"}, {"id": f"{SECRET}\0"}]}],
            "items[0].tool_calls[1].id: must hold neither U+0000 nor surrogates",
        ),
        (from_openai_responses, [{"role": SECRET, "content": "Hi"}], "items[0].role: Input should be 'system', "),
        (from_openai_responses, [{"content": SECRET}], "items[0]: must have a role, or a type"),
        (from_openai_responses, [{"type": 1}], "items[0].type: Input should be a valid string"),
        (from_openai_responses, [{"type": "function_call", "call_id": ""}], "items[0].call_id: Value should have at"),
    ],
)
def test_what_is_no_item_is_named_without_its_text(read: From, items: Any, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(items)

    assert str(caught.value).startswith(reason)
    assert SECRET not in str(caught.value)


USER_PARTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "text", "text": "This?"}, {"type": "input_text", "text": "This?"}),
    (
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "input_image", "detail": "auto", "image_url": "https://example.org/a.png"},
    ),
    (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBO"},
    ),
    (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
    ),
]


def test_files_go_from_one_format_to_the_other_and_back() -> None:
    chat = [{"role": "user", "content": [part for part, _ in USER_PARTS]}]
    responses = [{"role": "user", "content": [part for _, part in USER_PARTS]}]

    assert to_openai_responses(from_openai_chat(chat)) == responses
    assert to_openai_chat(from_openai_responses(responses)) == chat


def test_files_that_a_tool_returned_stay_files_where_there_are_some() -> None:
    output = [{"type": "input_text", "text": "Found"}, {"type": "input_image", "image_url": "data:image/png;base64,iV"}]
    call = {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"}
    messages = from_openai_responses([call, {"type": "function_call_output", "call_id": "c1", "output": output}])

    assert messages[1].tool_calls == [ToolCall("c1", result=output)]
    assert to_openai_chat(messages)[1] == {"role": "tool", "tool_call_id": "c1", "content": "Found"}


@pytest.mark.parametrize(
    ("item", "content", "calls"),
    [
        ({"type": "mcp_call", "id": "m", "name": "ask", "arguments": "{}", "output": "42", "error": None}, "", "42"),
        ({"type": "file_search_call", "id": "m", "queries": ["a"], "results": [{"text": "b"}]}, "", [{"text": "b"}]),
        (
            {"type": "code_interpreter_call", "id": "m", "code": "1", "outputs": [{"type": "logs", "logs": "1"}]},
            "",
            [{"type": "logs", "logs": "1"}],
        ),
    ],
)
def test_what_openai_ran_itself_is_a_call_with_its_result(item: dict[str, Any], content: str, calls: Any) -> None:
    (message,) = from_openai_responses([item])
    (call,) = message.tool_calls

    assert (message.content, call.is_call, call.result) == (content, True, calls)


def test_what_is_encrypted_goes_through_the_ai_sdk_to_openai_again() -> None:
    summary = [{"type": "summary_text", "text": "Hm."}]
    thoughts = [
        {"type": "reasoning", "id": f"rs_{number}", "summary": summary, "encrypted_content": "gAAA"} for number in "12"
    ]
    items = [*thoughts, {"role": "assistant", "content": "Four."}]
    ui = to_vercel_ui_messages([MessageCreate(role="assistant", content="Four.", native=items)])

    assert to_openai_responses(from_vercel_ui_messages(ui)) == items
    ui[0]["parts"].pop()
    assert to_openai_responses(from_vercel_ui_messages(ui)) == []


def test_a_patch_that_failed_is_an_error() -> None:
    (message,) = from_openai_responses([{"type": "apply_patch_call_output", "call_id": "c1", "status": "failed"}])

    assert message.tool_calls == [ToolCall("c1", result=None, is_error=True)]


def test_a_refusal_is_read_and_said_as_text_where_there_is_none() -> None:
    messages = from_openai_chat([{"role": "assistant", "content": None, "refusal": "I cannot."}])

    assert messages[0].content == "I cannot."
    assert to_openai_responses(messages) == [{"role": "assistant", "content": "I cannot."}]


@pytest.mark.parametrize("label", ["system", "developer"])
@pytest.mark.parametrize("text", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_instructions_are_instructions_and_nobodys_words(label: str, text: Any) -> None:
    (message,) = from_openai_chat([{"role": label, "content": text}])

    assert (message.role.value, message.content) == ("assistant", "")
    assert instructions_of([message, user("Hi")]) == "Be brief."
    assert to_openai_responses([message])[0]["role"] == label


def test_a_list_of_items_is_one_message_and_all_of_them() -> None:
    items = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
        },
    ]
    message = MessageCreate(role="assistant", content="Hi", native=items)

    assert to_openai_responses([message]) == items
    assert to_openai_chat([message]) == [{"role": "assistant", "content": "Hi"}]


def test_neither_what_is_given_nor_what_is_stored_is_changed() -> None:
    items = [{"role": "user", "content": "Hi", "name": "ada"}, {"role": "assistant", "content": "Hello"}]
    before = json.dumps(items)
    messages = from_openai_chat(items)

    assert to_openai_chat([*messages, assistant("", ToolCall("c1", "find"))])[0] == items[0]
    assert json.dumps(items) == before == json.dumps(to_openai_chat(messages))
