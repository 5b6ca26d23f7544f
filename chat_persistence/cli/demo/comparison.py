"""Whether messages that were read are those that were meant."""

from collections.abc import Sequence

from chat_persistence import MessageCreate, MessageRead


def differences(
    where: str, read: Sequence[MessageRead], meant: Sequence[MessageCreate], first_position: int
) -> list[str]:
    """Return a line for each difference: another number of messages, a position, an id, or anything said."""
    if len(read) != len(meant):
        return [f"{where}: {len(read)} messages came back, not {len(meant)}"]
    pairs = enumerate(zip(read, meant, strict=True), start=first_position)
    return [
        f"{where}: position {position} {wrong}"
        for position, (message, wanted) in pairs
        if (wrong := _difference(position, message, wanted))
    ]


def _difference(position: int, read: MessageRead, meant: MessageCreate) -> str:
    if read.position != position:
        return f"holds position {read.position}"
    if read.id != meant.id:
        return f"holds message {read.id}"
    if (read.role, read.content, read.tool_calls) != (meant.role, meant.content, meant.tool_calls):
        return "holds other words"
    return ""
