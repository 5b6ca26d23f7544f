"""What came from OpenAI's formats goes back as it was, and what is ours comes back as far as they can say it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chat_persistence import MessageCreate, ToolCall
from chat_persistence.provider_formats import (
    from_openai_chat,
    from_openai_responses,
    to_openai_chat,
    to_openai_responses,
)
from tests.integration.test_any_text import any_text
from tests.unit.provider_formats.checkers import openai_chat, openai_responses
from tests.unit.provider_formats.openai_items import chat_messages, names, responses_items
from tests.unit.provider_formats.ours import said

thoroughly = settings(max_examples=150, deadline=None)
texts = any_text.filter(bool)


@given(items=st.lists(chat_messages, max_size=6))
@thoroughly
def test_chat_completions_come_back_as_they_were(items: list[dict[str, Any]]) -> None:
    assert to_openai_chat(from_openai_chat(items)) == items


@given(items=st.lists(responses_items, max_size=6))
@thoroughly
def test_responses_come_back_as_they_were(items: list[dict[str, Any]]) -> None:
    assert to_openai_responses(from_openai_responses(items)) == items


@given(first=st.lists(responses_items | chat_messages, max_size=3), second=st.lists(chat_messages, max_size=3))
@thoroughly
def test_what_is_written_for_responses_of_a_message_hangs_on_no_other(
    first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    one, other = (from_openai_chat([item for item in items if "role" in item]) for items in (first, second))

    assert to_openai_responses([*one, *other]) == to_openai_responses(one) + to_openai_responses(other)


@st.composite
def dialogues(draw: st.DrawFn) -> list[MessageCreate]:
    """Return messages of ours, each of which OpenAI's formats can say: what they cannot is in the examples."""
    messages: list[MessageCreate] = []
    for turn in range(draw(st.integers(1, 3))):
        messages.append(MessageCreate(role="user", content=draw(texts)))
        calls = [ToolCall(f"call_{turn}_{place}", draw(names), draw(texts)) for place in range(draw(st.integers(0, 3)))]
        if calls:
            messages.append(MessageCreate(role="assistant", content=draw(any_text), tool_calls=calls))
        messages += [
            MessageCreate(role="assistant", tool_calls=[ToolCall(call.id, result=draw(any_text))]) for call in calls
        ]
        messages.append(MessageCreate(role="assistant", content=draw(texts)))
    return messages


@given(messages=dialogues())
@thoroughly
def test_ours_come_back_from_chat_completions(messages: list[MessageCreate]) -> None:
    items = to_openai_chat(messages)

    openai_chat.check(items)
    assert said(from_openai_chat(items)) == said(messages)


@given(messages=dialogues())
@thoroughly
def test_ours_come_back_from_responses_a_text_and_a_call_at_a_time(messages: list[MessageCreate]) -> None:
    items = to_openai_responses(messages)

    openai_responses.check(items)
    assert said(from_openai_responses(items)) == said([one for message in messages for one in one_by_one(message)])


def one_by_one(message: MessageCreate) -> list[MessageCreate]:
    """Return a message as Responses has it: its text and each call are items of their own."""
    text = [message.model_copy(update={"tool_calls": []})] if message.content else []
    return [*text, *(message.model_copy(update={"content": "", "tool_calls": [call]}) for call in message.tool_calls)]
