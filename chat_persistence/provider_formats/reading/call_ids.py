"""Ids of calls: which there can be, and what calls have whose format gives them none."""

from typing import TypeGuard

from chat_persistence.text import is_plain


def is_call_id(id: object) -> TypeGuard[str]:
    """Whether `ToolCall` takes it as its `id`."""
    return isinstance(id, str) and id != "" and is_plain(id)


def is_tool_name(name: object) -> TypeGuard[str]:
    """Whether `ToolCall` takes it as its `name`, and it is one."""
    return is_call_id(name)


class CallIds:
    """What stands for the ids of the calls in one message: a tool's name, and which call of it this is.

    Results count alike, so they find their calls without having seen them.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def next(self, name: str) -> str:
        """Return the id of the next call, or the next result, of this tool."""
        self._counts[name] = self._counts.get(name, 0) + 1
        return f"{name}-{self._counts[name]}"
