"""What of the newest items of a log a model can be sent: no tool's result without its call."""

from collections.abc import Iterable, Iterator, Sequence

from chat_persistence.provider_formats.openai_sessions import Item

Key = tuple[str, str]

# Those that the SDK's own runner drops, in `agents.run_internal.items`.
CALLS_BY_RESULT = {
    "apply_patch_call_output": "apply_patch_call",
    "computer_call_output": "computer_call",
    "custom_tool_call_output": "custom_tool_call",
    "function_call_output": "function_call",
    "local_shell_call_output": "local_shell_call",
    "program_output": "program",
    "shell_call_output": "shell_call",
    "tool_search_output": "tool_search_call",
}
CALLS = frozenset(CALLS_BY_RESULT.values())
OF_A_RESPONSE = frozenset({"reasoning", *CALLS, *CALLS_BY_RESULT})
BEFORE_A_CALL = frozenset({"reasoning", *CALLS})
APPROVAL_REQUEST = "mcp_approval_request"
APPROVAL_RESPONSE = "mcp_approval_response"


def whole_window(items: Sequence[Item], before: Item) -> list[Item]:
    """Return the items without those that need one from before the window, whose last item is `before`.

    These are results whose call is there, and the calls at the start of the window that were made in one response with
    a call or a reasoning before it: a model that reasons wants to see both.
    """
    window = list(items)
    if _kind(before) in BEFORE_A_CALL:
        window = window[_count_calls(window) :]
    orphans = set(_orphans(window))
    return [item for place, item in enumerate(window) if place not in orphans]


def is_within_a_response(window: Iterable[Item]) -> bool:
    """Whether there are but calls, their results and what was thought before them."""
    return all(_kind(item) in OF_A_RESPONSE for item in window)


def waits_for_results(items: Iterable[Item]) -> bool:
    """Whether there are calls without results: a run is under way, or will go on when a person has said yes."""
    called, answered = set[Key](), set[Key]()
    for item in items:
        called.update(_gives(item))
        answered.update(_needs(item))
    return not called <= answered


def start_of_response(items: Sequence[Item], place: int) -> int:
    """Return the place of the first item of the response that the item at a place is of, or the result of."""
    while place and _kind(items[place]) in CALLS_BY_RESULT and _kind(items[place - 1]) in CALLS_BY_RESULT:
        place -= 1
    while place and _kind(items[place - 1]) in BEFORE_A_CALL:
        place -= 1
    return place


def end_of_response(items: Sequence[Item], place: int) -> int:
    """Return the place after the last result of the response that begins at a place."""
    while place < len(items) and _kind(items[place]) in BEFORE_A_CALL:
        place += 1
    while place < len(items) and _kind(items[place]) in CALLS_BY_RESULT:
        place += 1
    return place


def _count_calls(window: Sequence[Item]) -> int:
    others = (place for place, item in enumerate(window) if _kind(item) not in CALLS)
    return next(others, len(window))


def _orphans(window: Sequence[Item]) -> Iterator[int]:
    """Yield the place of each item that needs one that is not before it."""
    seen: set[Key] = set()
    for place, item in enumerate(window):
        if seen.issuperset(_needs(item)):
            seen.update(_gives(item))
        else:
            yield place


def _needs(item: Item) -> Iterator[Key]:
    kind = _kind(item)
    if kind in CALLS_BY_RESULT:
        yield CALLS_BY_RESULT[kind], str(item.get("call_id"))
    if kind == APPROVAL_RESPONSE:
        yield APPROVAL_REQUEST, str(item.get("approval_request_id"))
    caller = item.get("caller")
    if isinstance(caller, dict) and caller.get("type") == "program":
        yield "program", str(caller.get("caller_id"))


def _gives(item: Item) -> Iterator[Key]:
    kind = _kind(item)
    if kind in CALLS:
        yield kind, str(item.get("call_id"))
    if kind == APPROVAL_REQUEST:
        yield kind, str(item.get("id"))


def _kind(item: Item) -> str:
    kind = item.get("type")
    return kind if isinstance(kind, str) else ""
