"""Checking by the TypedDicts of OpenAI's own SDK."""

from collections.abc import Iterator
from typing import Any

from pydantic import ConfigDict, TypeAdapter


def adapter_of(kind: Any) -> TypeAdapter[list[Any]]:
    """Return what checks items of a kind, and that they have no keys but its own."""
    return TypeAdapter(list[kind], config=ConfigDict(extra="forbid"))


def check_all(adapter: TypeAdapter[list[Any]], items: list[dict[str, Any]]) -> None:
    """Fail where an item is not as the SDK says."""
    _consume(adapter.validate_python(items))


def _consume(value: Any) -> None:
    # An `Iterable` of the SDK's is checked while it is walked.
    if isinstance(value, dict):
        _consume(list(value.values()))
    elif isinstance(value, list | Iterator) or type(value).__name__ == "ValidatorIterator":
        for each in value:
            _consume(each)
