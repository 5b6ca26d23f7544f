"""Messages as the command line prints them, one a line."""

import sys

from chat_persistence.cli.output import print_json, results
from chat_persistence.rows import write_tool_call
from chat_persistence.values import MessageRead


def print_message(message: MessageRead, *, as_json: bool) -> None:
    """Print one, at once: who reads a pipe waits for nothing else."""
    if as_json:
        print_json(as_object(message))
    else:
        results().print(f"{message.position} {message.role} {message.content}")
    sys.stdout.flush()


def as_object(message: MessageRead) -> dict[str, object]:
    """Return what a message says as JSON."""
    return {
        "position": message.position,
        "id": str(message.id),
        "role": message.role,
        "content": message.content,
        "tool_calls": [write_tool_call(call) for call in message.tool_calls],
        "native": message.native,
        "metadata": message.metadata,
        "token_count": message.token_count,
        "created_at": message.created_at.isoformat(),
    }
