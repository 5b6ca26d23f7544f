"""A chat that was held with one provider goes on with another."""

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.provider_formats.dialogues import Turn, dialogues, heard, strings_in, told
from tests.unit.provider_formats.formats import BY_NAME, FORMATS, PAIRS, Format, Item
from tests.unit.provider_formats.ours import messages_of

often = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
some_dialogue = dialogues()


@pytest.mark.parametrize("format", FORMATS, ids=str)
@given(data=st.data(), dialogue=some_dialogue)
@often
def test_a_dialogue_is_read_whole(format: Format, data: st.DataObject, dialogue: list[Turn]) -> None:
    assert heard(format.read(data.draw(format.written(dialogue)))) == told(dialogue)


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=str)
@given(data=st.data(), dialogue=some_dialogue)
@often
def test_a_dialogue_reaches_another_provider(
    source: Format, target: Format, data: st.DataObject, dialogue: list[Turn]
) -> None:
    """Every text, call and result arrives, and every image; and the provider takes it."""
    items = target.write(source.read(data.draw(source.written(dialogue))))

    target.check(items)
    assert heard(target.read(items)) == told(dialogue)
    assert not _missing_pictures(dialogue, items)


@pytest.mark.parametrize("target", FORMATS, ids=str)
@given(dialogue=some_dialogue)
@often
def test_a_dialogue_of_ours_reaches_every_provider(target: Format, dialogue: list[Turn]) -> None:
    items = target.write([message for turn in dialogue for message in messages_of(turn)])

    target.check(items)
    assert heard(target.read(items)) == told(dialogue)


WITH_ERRORS = [BY_NAME[name] for name in ("anthropic_messages", "gemini_contents", "vercel_ui_messages")]


@pytest.mark.parametrize(("source", "target"), list(product(WITH_ERRORS, repeat=2)), ids=str)
@given(data=st.data(), dialogue=some_dialogue)
@often
def test_a_failure_is_one_where_there_are_such(
    source: Format, target: Format, data: st.DataObject, dialogue: list[Turn]
) -> None:
    messages = target.read(target.write(source.read(data.draw(source.written(dialogue)))))

    failed = [call.is_error for message in messages for call in message.tool_calls if call.has_result]
    assert failed == [call.is_error for turn in dialogue for step in turn.steps for call in step.calls]


def _missing_pictures(dialogue: list[Turn], items: list[Item]) -> list[str]:
    arrived = "\n".join(strings_in(items))
    return [each.content for turn in dialogue for each in turn.pictures if each.content not in arrived]


@pytest.mark.parametrize("format", FORMATS, ids=str)
@given(data=st.data(), dialogue=some_dialogue)
@often
def test_a_dialogue_comes_back_as_it_was(format: Format, data: st.DataObject, dialogue: list[Turn]) -> None:
    """Whatever of it, in whatever order: what came from a provider is not put right for it."""
    items = data.draw(st.lists(st.sampled_from(data.draw(format.written(dialogue)))))

    assert format.write(format.read(items)) == items
