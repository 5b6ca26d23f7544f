"""Instructions stay instructions, with whomever a chat goes on: no person's words, and no model's."""

import pytest

from chat_persistence import MessageCreate
from chat_persistence.provider_formats import instructions_of, to_anthropic_messages
from tests.unit.provider_formats.formats import BY_NAME, Format, Item
from tests.unit.provider_formats.ours import assistant, user

GIVEN: dict[str, Item] = {
    "openai_chat": {"role": "developer", "content": "Be brief."},
    "openai_responses": {"role": "system", "content": [{"type": "input_text", "text": "Be brief."}]},
    "cohere_chat": {"role": "system", "content": "Be brief."},
    "vercel_ui_messages": {"id": "s", "role": "system", "parts": [{"type": "text", "text": "Be brief."}]},
}
SOURCES = [pytest.param(BY_NAME[name].read([item]), id=name) for name, item in GIVEN.items()]
WITH_THEM = [BY_NAME[name] for name in GIVEN]
APART = [BY_NAME["anthropic_messages"], BY_NAME["gemini_contents"]]


@pytest.mark.parametrize("given", SOURCES)
def test_a_person_does_not_read_them(given: list[MessageCreate]) -> None:
    assert [(message.role.value, message.content) for message in given] == [("assistant", "")]


@pytest.mark.parametrize("target", WITH_THEM, ids=str)
@pytest.mark.parametrize("given", SOURCES)
def test_they_are_among_the_messages_of_most(given: list[MessageCreate], target: Format) -> None:
    items = target.write([*given, user("Hi")])

    target.check(items)
    assert items[0]["role"] in ("system", "developer")
    assert instructions_of(target.read(items)) == "Be brief."


@pytest.mark.parametrize("target", APART, ids=str)
@pytest.mark.parametrize("given", SOURCES)
def test_anthropic_and_gemini_take_them_apart(given: list[MessageCreate], target: Format) -> None:
    assert target.write([*given, user("Hi")]) == target.write([user("Hi")])
    assert instructions_of([*given, user("Hi"), *given]) == "Be brief.\n\nBe brief."


def test_after_a_persons_words_anthropic_takes_them_in_their_place() -> None:
    system = {"role": "system", "content": "Be brief."}
    (given,) = BY_NAME["openai_chat"].read([system])

    items = to_anthropic_messages([given, user("Hi"), given, assistant("Hello"), given])

    assert items == [{"role": "user", "content": "Hi"}, system, {"role": "assistant", "content": "Hello"}]
