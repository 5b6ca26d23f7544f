"""Messages of our own, which no provider has said."""

import json
from collections.abc import Sequence

from chat_persistence import MessageCreate, ToolCall
from tests.unit.provider_formats.dialogues import Turn

Said = tuple[str, str, list[ToolCall]]


def user(text: str) -> MessageCreate:
    return MessageCreate(role="user", content=text)


def assistant(text: str = "", *calls: ToolCall) -> MessageCreate:
    return MessageCreate(role="assistant", content=text, tool_calls=calls)


def said(messages: Sequence[MessageCreate]) -> list[Said]:
    """Return what there is of messages but for their natives."""
    return [(message.role.value, message.content, message.tool_calls) for message in messages]


def messages_of(turn: Turn) -> list[MessageCreate]:
    """Return a turn of a dialogue as a host stores it that talks to no provider."""
    messages = [user(turn.asked)]
    for step in turn.steps:
        calls = [ToolCall(call.id, call.name, json.dumps(call.arguments, ensure_ascii=False)) for call in step.calls]
        messages.append(assistant(step.said, *calls))
        results = [ToolCall(call.id, result=call.result, is_error=call.is_error) for call in step.calls]
        messages += [assistant("", result) for result in results]
    return [*messages, assistant(turn.answer)]


A_TURN = [
    user("A train to Rome"),
    assistant("Let me look.", ToolCall("c1", "find", '{"to":"Rome"}'), ToolCall("c2", "weather", "sunny?")),
    assistant("", ToolCall("c1", result={"seat": "12A"})),
    assistant("", ToolCall("c2", result=[1, None], is_error=True)),
    assistant("Booked: 12A."),
]
"""Calls that were made together, arguments that are no JSON, a result that is none of a text, and one of an error."""
