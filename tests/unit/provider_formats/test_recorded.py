"""What providers have really sent and been sent, cut to a readable length; each excerpt says where it was recorded."""

import json
from pathlib import Path

import pytest

from chat_persistence import MessageCreate
from tests.unit.provider_formats.dialogues import Heard
from tests.unit.provider_formats.formats import BY_NAME, FORMATS, Format, Item

RECORDED = Path(__file__).parent / "recorded"
EXCHANGES = [
    pytest.param(BY_NAME[file.stem], exchange["items"], id=f"{file.stem}-{Path(exchange['recorded']).stem}")
    for file in sorted(RECORDED.glob("*.json"))
    for exchange in json.loads(file.read_text())
]

TO_OTHERS = [
    pytest.param(*exchange.values, target, id=f"{exchange.id}-{target}")
    for exchange in EXCHANGES
    for target in FORMATS
    if target not in exchange.values
]


@pytest.mark.parametrize(("format", "items"), EXCHANGES)
def test_it_comes_back_as_it_was(format: Format, items: list[Item]) -> None:
    assert format.write(format.read(items)) == [_as_sent(item) for item in items]


def _as_sent(item: Item) -> Item:
    # An answer of Anthropic's has a type, and what stands beside role and content is refused in a request.
    is_answer = item.get("type") == "message" and "model" in item
    return {"role": item["role"], "content": item["content"]} if is_answer else item


@pytest.mark.parametrize(("format", "items", "target"), TO_OTHERS)
def test_another_provider_takes_it(format: Format, items: list[Item], target: Format) -> None:
    stored = _answered(format.read(items))
    written = target.write(stored)

    target.check(written)
    assert _heard(target.read(written)) == _heard(stored)


def _heard(messages: list[MessageCreate]) -> tuple[list[tuple[str, str]], list[str]]:
    # Arguments and results have been through many hands here: what becomes of them is tested with dialogues.
    heard = Heard()
    for message in messages:
        heard.add(message.role.value, message.content)
    return heard.said, [call.name or "" for message in messages for call in message.tool_calls if call.is_call]


def _answered(messages: list[MessageCreate]) -> list[MessageCreate]:
    """Return messages without the last where it calls a tool: nobody takes a call before it is answered."""
    is_open = any(call.is_call and not call.has_result for call in messages[-1].tool_calls)
    return messages[:-1] if is_open else messages
