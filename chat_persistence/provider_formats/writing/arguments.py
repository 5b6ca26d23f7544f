"""The arguments of a call as JSON, for the formats that do not take a string."""

import json
from typing import Any

INPUT = "input"
"""What arguments are called in an object that are none: so are those of OpenAI's custom tools, which are text."""


def json_of(arguments: str) -> Any:
    """Return arguments as the JSON that they are, else the text itself; a text in JSON is one as it stands."""
    try:
        value = json.loads(arguments, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return arguments
    return arguments if isinstance(value, str) else value


def object_of(arguments: str) -> dict[str, Any]:
    """Return arguments as an object: nothing as an empty one, and what else is no object as its `input`."""
    value = json_of(arguments) if arguments else {}
    return value if isinstance(value, dict) else {INPUT: value}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
