"""What came from Anthropic, Gemini, Cohere and the AI SDK goes back as it was, whatever is around it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.provider_formats import provider_items
from tests.unit.provider_formats.formats import BY_NAME, FORMATS, Format
from tests.unit.provider_formats.provider_items import Items

STRATEGIES = [
    pytest.param(BY_NAME[name], getattr(provider_items, name), id=name)
    for name in ("anthropic_messages", "gemini_contents", "cohere_chat", "vercel_ui_messages")
]


@pytest.mark.parametrize(("format", "items"), STRATEGIES)
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_items_come_back_as_they_were(format: Format, items: Items, data: st.DataObject) -> None:
    given_items = data.draw(st.lists(items, max_size=4))

    assert format.write(format.read(given_items)) == given_items


@pytest.mark.parametrize("target", FORMATS, ids=str)
@pytest.mark.parametrize(("format", "items"), STRATEGIES)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_items_are_written_for_another_provider(
    format: Format, items: Items, target: Format, data: st.DataObject
) -> None:
    written = target.write(format.read(data.draw(st.lists(items, max_size=4))))

    assert target.write(target.read(written)) == written
