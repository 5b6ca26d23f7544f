"""Whatever is given is read or refused by its place, and whatever is stored is written."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import InvalidInput, MessageCreate, ToolCall
from chat_persistence.provider_formats import (
    from_anthropic_messages,
    from_gemini_contents,
    from_openai_responses,
    from_vercel_ui_messages,
)
from tests.integration.test_any_text import any_json, any_text
from tests.unit.provider_formats import writers
from tests.unit.provider_formats.dialogues import dialogues
from tests.unit.provider_formats.formats import FORMATS, Format
from tests.unit.provider_formats.openai_items import chat_messages, names, responses_items
from tests.unit.provider_formats.pydantic_ai_items import REQUEST, RESPONSE

thoroughly = settings(max_examples=60, deadline=None)


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[dict[str, Any]]) -> Any:
    """Return an item with another value at some place in it, or a value that is none at all."""
    return _broken(draw, draw(whole))


def _broken(draw: st.DrawFn, value: Any) -> Any:
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 9)) == 0:
        return draw(any_json)
    if isinstance(value, list):
        place = draw(st.integers(0, len(value) - 1))
        return [_broken(draw, each) if at == place else each for at, each in enumerate(value)]
    key = draw(st.sampled_from(sorted(value)))
    return {**value, key: _broken(draw, value[key])}


held: st.SearchStrategy[Any] = st.one_of(
    [dialogues().flatmap(getattr(writers, name).written).flatmap(st.sampled_from) for name in writers.__all__]
)
items = chat_messages | responses_items | held
natives = st.sampled_from([REQUEST, RESPONSE])
odd_items = any_json | broken(items | natives) | items | natives
odd_messages = st.builds(
    MessageCreate,
    role=st.sampled_from(["user", "assistant"]),
    content=any_text.map(lambda text: text or "."),
    native=odd_items | st.lists(odd_items, max_size=3),
    tool_calls=st.lists(
        st.builds(ToolCall, names, st.none() | names, st.none() | any_text)
        | st.builds(ToolCall, names, result=any_json),
        max_size=3,
    ),
)


@pytest.mark.parametrize("format", FORMATS, ids=str)
@given(given_items=st.lists(odd_items, max_size=3))
@thoroughly
def test_what_is_read_is_kept_or_named_by_its_place(format: Format, given_items: list[Any]) -> None:
    refused: list[str] = []
    kept: list[Any] = []
    for item in given_items:
        try:
            kept += [item == native_of(message) for message in format.read([item])]
        except InvalidInput as error:
            refused.append(error.field)

    assert all(kept)
    assert len(kept) + len(refused) == len(given_items)
    assert all(field.startswith("items[0]") for field in refused)


def native_of(message: MessageCreate) -> Any:
    return message.native or {"role": message.role.value, "content": message.content}


@pytest.mark.parametrize("format", FORMATS, ids=str)
@given(messages=st.lists(odd_messages, max_size=4))
@thoroughly
def test_whatever_is_stored_is_written(format: Format, messages: list[MessageCreate]) -> None:
    assert all(isinstance(item, dict) for item in format.write(messages))


@pytest.mark.parametrize("format", FORMATS, ids=str)
@pytest.mark.parametrize(
    "native",
    [
        {"parts": 5},
        {"parts": True},
        {"role": "model", "parts": 5},
        {"role": "assistant", "content": "Hi", "tool_calls": 5},
        {"role": "assistant", "content": 5},
    ],
    ids=str,
)
def test_a_number_where_formats_have_a_list_is_no_item_of_theirs(format: Format, native: Any) -> None:
    assert format.write([MessageCreate(role="user", content="Hi", native=native)])


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "value", [{"a": {1}}, {"a": b"x"}, {"a": object()}, nested(5_000)], ids=["set", "bytes", "object", "deep"]
)
@pytest.mark.parametrize(
    ("read", "item"),
    [
        (from_anthropic_messages, lambda value: {"role": "assistant", "content": [tool_use(value)]}),
        (
            from_gemini_contents,
            lambda value: {"role": "model", "parts": [{"functionCall": {"name": "n", "args": value}}]},
        ),
        (from_openai_responses, lambda value: {"type": "shell_call", "call_id": "c", "action": value}),
        (from_vercel_ui_messages, lambda value: {"id": "1", "role": "assistant", "parts": [tool_part(value)]}),
    ],
    ids=["anthropic", "gemini", "responses", "vercel"],
)
def test_what_is_no_json_is_refused_by_its_place(read: Any, item: Any, value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        read([item({}), item(value)])
    assert refused.value.field.startswith("items[1]")


def tool_use(value: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "c", "name": "n", "input": value}


def tool_part(value: Any) -> dict[str, Any]:
    part = {"type": "dynamic-tool", "toolName": "n", "toolCallId": "c", "state": "output-available"}
    return {**part, "input": value, "output": "x"}


@pytest.mark.parametrize("format", FORMATS, ids=str)
def test_thousands_of_calls_of_one_id_are_each_told_with_their_result(format: Format) -> None:
    """As those are of providers whose calls have no ids, each message from the first again."""
    calls = [ToolCall("book-1", "book", "{}", result=str(number)) for number in range(5_000)]
    messages = [MessageCreate(role="assistant", tool_calls=[call]) for call in calls]

    written = json.dumps(format.write([MessageCreate(role="user", content="Rome"), *messages]))

    assert all(f'"{number}"' in written for number in (0, 1, 2_500, 4_999))
