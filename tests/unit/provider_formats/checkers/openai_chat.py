"""What Chat Completions takes as `messages`: the SDK's types, and what the API answers where they are silent.

"An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'", and an id
is a "string with maximum length 40" (vercel/ai#5171).
"""

import re
from typing import Any

from tests.unit.provider_formats.checkers.typed_dicts import check_all

_name = re.compile("[a-zA-Z0-9_-]{1,64}")


def check(items: list[dict[str, Any]]) -> None:
    """Fail where the API would refuse the items."""
    check_all("openai.types.chat", "ChatCompletionMessageParam", items)
    open_calls: list[str] = []
    for item in items:
        if item["role"] == "tool":
            open_calls.remove(item["tool_call_id"])
            continue
        assert not open_calls, "every call is answered before anything else is said"
        open_calls = [_check_call(call) for call in item.get("tool_calls", ())]
        assert len(set(open_calls)) == len(open_calls)
        assert item.get("content") or open_calls
    assert not open_calls


def _check_call(call: dict[str, Any]) -> str:
    assert 1 <= len(call["id"]) <= 40
    assert _name.fullmatch(call["function"]["name"])
    return str(call["id"])
