"""Pydantic AI's messages as the JSON that is stored of them, and back."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_ai import DeferredToolRequests
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter

from chat_persistence import InvalidInput

REQUESTS = "deferred_tool_requests"
"""The key of the newest message's `native` under which the tool calls are that its run waits for: they are what a user
says, so they are encrypted as messages are, which metadata is not."""

NOT_WRITABLE = ValueError
"""Of pydantic's own, of texts that are no UTF-8, and of what is nested too deep."""

_REQUESTS_ADAPTER = TypeAdapter(DeferredToolRequests)
_KINDS = ("request", "response")


def natives_of(messages: Sequence[ModelMessage]) -> list[dict[str, Any]]:
    """Return messages as `ModelMessagesTypeAdapter` writes them as JSON.

    Raise `InvalidInput` for what it does not write, as results of tools that are no JSON. Lone surrogates come back
    equal in texts; in the keys of dicts, pydantic refuses them or puts others in their place.
    """
    try:
        return _written(messages)
    except NOT_WRITABLE:
        place = next(place for place, message in enumerate(messages) if not _is_writable(message))
        raise InvalidInput(f"new_entries[{place}].message", "cannot be written as JSON") from None


def _written(messages: Sequence[ModelMessage]) -> list[dict[str, Any]]:
    # A warning of pydantic's would quote what was said.
    natives: list[dict[str, Any]] = ModelMessagesTypeAdapter.dump_python(list(messages), mode="json", warnings=False)
    return natives


def _is_writable(message: ModelMessage) -> bool:
    try:
        _written([message])
    except NOT_WRITABLE:
        return False
    return True


def messages_from(natives: Sequence[Any]) -> list[ModelMessage | None]:
    """Return the messages of natives; nothing for those that are not Pydantic AI's, or not of this version's."""
    ours = [without_requests(native) if is_message(native) else None for native in natives]
    try:
        found = iter(_read([native for native in ours if native is not None]))
    except ValidationError:
        return [None if native is None else _read_alone(native) for native in ours]
    return [None if native is None else next(found) for native in ours]


def is_message(native: Any) -> bool:
    """Whether a native has the shape of Pydantic AI's messages."""
    return isinstance(native, dict) and native.get("kind") in _KINDS and isinstance(native.get("parts"), list)


def requests_of(native: Any) -> Any:
    """Return the deferred tool requests that a native has, as JSON; None without any."""
    return native.get(REQUESTS) if is_message(native) else None


def without_requests(native: Any) -> Any:
    """Return a native without its deferred tool requests; what is none of Pydantic AI's as it is."""
    return {key: value for key, value in native.items() if key != REQUESTS} if is_message(native) else native


def requests_json(requests: DeferredToolRequests) -> Any:
    """Return the deferred tool requests as JSON; raise `InvalidInput` for what is none."""
    try:
        return _REQUESTS_ADAPTER.dump_python(requests, mode="json", warnings=False)
    except NOT_WRITABLE:
        raise InvalidInput("deferred_tool_requests", "cannot be written as JSON") from None


def requests_from(written: Any) -> DeferredToolRequests | None:
    """Return the deferred tool requests that were written as JSON; nothing for what another version wrote."""
    try:
        return _REQUESTS_ADAPTER.validate_python(written)
    except ValidationError:
        return None


def _read(natives: list[dict[str, Any]]) -> list[ModelMessage]:
    return ModelMessagesTypeAdapter.validate_json(json.dumps(natives))


def _read_alone(native: dict[str, Any]) -> ModelMessage | None:
    try:
        return _read([native])[0]
    except ValidationError:
        pass
    try:
        # Lone surrogates: pydantic takes them in a `str`, and not in JSON.
        return ModelMessagesTypeAdapter.validate_python([_with_bytes(native)])[0]
    except ValueError:
        # A `ValidationError` is one, and what base64 refuses.
        return None


def _with_bytes(value: Any) -> Any:
    """Return a value with the data of its files decoded, as only JSON's validation does it."""
    if isinstance(value, list):
        return [_with_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    decoded = {key: _with_bytes(item) for key, item in value.items()}
    if value.get("kind") == "binary" and isinstance(value.get("data"), str):
        decoded["data"] = urlsafe_b64decode(value["data"])
    return decoded
