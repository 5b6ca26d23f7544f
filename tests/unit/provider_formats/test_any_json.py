"""Whatever is given is read or refused by its place, and whatever is stored is written."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import InvalidInput, MessageCreate, ToolCall
from tests.integration.test_any_text import any_json, any_text
from tests.unit.provider_formats import writers
from tests.unit.provider_formats.dialogues import dialogues
from tests.unit.provider_formats.formats import FORMATS, Format
from tests.unit.provider_formats.openai_items import chat_messages, names, responses_items

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
odd_items = any_json | broken(items) | items
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
