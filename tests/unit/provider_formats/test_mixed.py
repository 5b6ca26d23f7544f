"""A chat in which each turn was held with another provider goes to any of them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import MessageCreate, ToolCall, provider_formats
from chat_persistence.text import is_plain
from tests.unit.provider_formats.checkers import (
    anthropic_messages,
    cohere_chat,
    gemini_contents,
    openai_chat,
    openai_responses,
    vercel_ui_messages,
)
from tests.unit.provider_formats.dialogues import heard, name, spoken

said = spoken.filter(is_plain)

CHECKERS: dict[str, Callable[[list[dict[str, Any]]], None]] = {
    "anthropic_messages": anthropic_messages.check,
    "cohere_chat": cohere_chat.check,
    "gemini_contents": gemini_contents.check,
    "openai_chat": openai_chat.check,
    "openai_responses": openai_responses.check,
    "vercel_ui_messages": vercel_ui_messages.check,
}
FORMATS = [None, *CHECKERS]
"""None: a turn that was stored as ours."""


@st.composite
def turns(draw: st.DrawFn, number: int) -> list[MessageCreate]:
    """Return the turn of that number of a provider, with at most two calls, whose ids another provider has, too."""
    calls = [ToolCall(f"call_{number}_{place}", draw(name), "{}") for place in range(draw(st.integers(0, 2)))]
    return [
        MessageCreate(role="user", content=draw(said)),
        *([MessageCreate(role="assistant", content=draw(said), tool_calls=calls)] if calls else []),
        *(MessageCreate(role="assistant", tool_calls=[ToolCall(call.id, result=draw(said))]) for call in calls),
        MessageCreate(role="assistant", content=draw(said)),
    ]


def held_with(provider: str | None, messages: list[MessageCreate]) -> list[MessageCreate]:
    """Return messages as they are stored when they came from a provider."""
    if provider is None:
        return messages
    items = getattr(provider_formats, f"to_{provider}")(messages)
    read: list[MessageCreate] = getattr(provider_formats, f"from_{provider}")(items)
    return read


@pytest.mark.parametrize("provider", CHECKERS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_each_turn_with_another_provider(provider: str, data: st.DataObject) -> None:
    providers = data.draw(st.lists(st.sampled_from(FORMATS), min_size=1, max_size=3))
    told = [data.draw(turns(providers[:place].count(each))) for place, each in enumerate(providers)]
    stored = [held_with(each, turn) for each, turn in zip(providers, told, strict=True)]

    items = getattr(provider_formats, f"to_{provider}")([message for turn in stored for message in turn])

    CHECKERS[provider](items)
    again = heard(getattr(provider_formats, f"from_{provider}")(items))
    assert again == heard([message for turn in told for message in turn])
