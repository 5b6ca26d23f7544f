"""Checking by the TypedDicts of OpenAI's own SDK."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pydantic import ConfigDict, TypeAdapter


def check_all(module: str, name: str, items: list[dict[str, Any]]) -> None:
    """Fail where an item is not as a type of the SDK says, or has keys that it has not."""
    # Where the lowest versions are tested, the SDK is not installed: there the checkers' own rules have to do.
    if find_spec("openai"):
        _consume(_adapter(module, name).validate_python(items))


@cache
def _adapter(module: str, name: str) -> TypeAdapter[list[Any]]:
    kind: Any = getattr(import_module(module), name)
    return TypeAdapter(list[kind], config=ConfigDict(extra="forbid"))


def _consume(value: Any) -> None:
    # An `Iterable` of the SDK's is checked while it is walked.
    if isinstance(value, dict):
        _consume(list(value.values()))
    elif isinstance(value, list | Iterator) or type(value).__name__ == "ValidatorIterator":
        for each in value:
            _consume(each)
