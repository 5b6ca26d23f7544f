"""What Responses takes as `input`: the SDK's types, and what the API answers where they are silent.

"No tool output found for function call", "No tool call found for function call output", and a `call_id` is a "string
with maximum length 64" (RooCodeInc/Roo-Code#10763). What an assistant has said is no `input_text`.
"""

import re
from typing import Any

from tests.unit.provider_formats.checkers.typed_dicts import check_all

_name = re.compile("[a-zA-Z0-9_-]{1,128}")


def check(items: list[dict[str, Any]]) -> None:
    """Fail where the API would refuse the items."""
    check_all("openai.types.responses", "ResponseInputItemParam", items)
    open_calls: set[str] = set()
    for item in items:
        match item:
            case {"type": "function_call", "call_id": str(called), "name": str(name)}:
                assert called not in open_calls
                assert 1 <= len(called) <= 64
                assert _name.fullmatch(name)
                open_calls.add(called)
            case {"type": "function_call_output", "call_id": str(called)}:
                open_calls.remove(called)
            case {"role": "assistant", "content": list(parts)}:
                assert all(part["type"] in ("output_text", "refusal") for part in parts)
            case {"role": _, "content": content}:
                assert content
    assert not open_calls
