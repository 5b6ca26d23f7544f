"""A chat in which each turn was held with another provider goes to any of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import MessageCreate, ToolCall
from chat_persistence.text import is_plain
from tests.unit.provider_formats.dialogues import heard, name, spoken
from tests.unit.provider_formats.formats import FORMATS, Format

texts = spoken.filter(is_plain)


@st.composite
def turns(draw: st.DrawFn, number: int) -> list[MessageCreate]:
    """Return the turn of that number of a provider, with at most two calls, whose ids another provider has, too."""
    calls = [ToolCall(f"call_{number}_{place}", draw(name), "{}") for place in range(draw(st.integers(0, 2)))]
    return [
        MessageCreate(role="user", content=draw(texts)),
        *([MessageCreate(role="assistant", content=draw(texts), tool_calls=calls)] if calls else []),
        *(MessageCreate(role="assistant", tool_calls=[ToolCall(call.id, result=draw(texts))]) for call in calls),
        MessageCreate(role="assistant", content=draw(texts)),
    ]


def held_with(provider: Format | None, messages: list[MessageCreate]) -> list[MessageCreate]:
    """Return messages as they are stored when they came from a provider, or were ours."""
    return provider.read(provider.write(messages)) if provider else messages


@pytest.mark.parametrize("target", FORMATS, ids=str)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_each_turn_with_another_provider(target: Format, data: st.DataObject) -> None:
    providers = data.draw(st.lists(st.sampled_from([None, *FORMATS]), min_size=1, max_size=3))
    told = [data.draw(turns(providers[:place].count(each))) for place, each in enumerate(providers)]
    stored = [held_with(each, turn) for each, turn in zip(providers, told, strict=True)]

    items = target.write([message for turn in stored for message in turn])

    target.check(items)
    assert heard(target.read(items)) == heard([message for turn in told for message in turn])
