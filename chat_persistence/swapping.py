"""How the swap of a key of a conversation's metadata is bound, and why one was refused."""

from collections.abc import Mapping
from typing import Any

from chat_persistence.errors import ConversationChanged, ConversationNotFound, InvalidInput
from chat_persistence.execution import Execution
from chat_persistence.limits import Limits
from chat_persistence.statements import swapping
from chat_persistence.text import escape, to_json
from chat_persistence.values import MetadataSwap


def swap_arguments(swap: MetadataSwap, limits: Limits) -> dict[str, Any]:
    """Return the bound values of `statements.swapping`, or raise `InvalidInput`."""
    if not isinstance(swap, MetadataSwap):
        raise InvalidInput("swap", "must be a MetadataSwap")
    if len(swap.key) > limits.json_chars:
        raise InvalidInput("swap.key", f"longer than {limits.json_chars} characters")
    return {
        "key": escape(swap.key),
        "swapped": _object(swap.value, "value", limits),
        "guard": None if swap.expected is None else _object(swap.expected, "expected", limits),
    }


async def reason_against_swap(
    execution: Execution, user_id: str, arguments: Mapping[str, Any]
) -> ConversationNotFound | ConversationChanged | None:
    """Look at why nothing was swapped; None when nothing stands in the way any more."""
    conversation_id, expected_position = arguments["chat"], arguments["expected"]
    rows = await execution.fetch(
        swapping.look, owner=user_id, chat=conversation_id, key=arguments["key"], guard=arguments["guard"]
    )
    if not rows:
        return ConversationNotFound(conversation_id)
    last_position, is_as_expected = rows[0]
    if expected_position not in (None, last_position):
        return ConversationChanged(conversation_id, expected_position, last_position)
    if is_as_expected:
        return None
    return ConversationChanged(conversation_id, expected_position, last_position, in_metadata=True)


def _object(value: Mapping[str, Any], field: str, limits: Limits) -> str:
    return to_json(dict(value), f"swap.{field}", limits.json_chars)
