"""Items of a session of OpenAI's Agents SDK: those of Responses, or whatever object a program has put there."""

from typing import Any

from chat_persistence.provider_formats.parts import Turn
from chat_persistence.provider_formats.reading import openai_chat, openai_responses
from chat_persistence.provider_formats.reading.format import is_json, message_of
from chat_persistence.provider_formats.writing.openai_responses import to_openai_responses
from chat_persistence.values import MessageCreate, MessageRead

Item = dict[str, Any]

AS_IT_IS = {"openai_agents": "as it is"}
"""The metadata of a message whose `native` is given back to a session, although it is no item of Responses.

So are those of Chat Completions, and those of the SDK's own `EncryptedSession`, which have neither role nor type.
"""


def message_of_item(item: Item, place: str = "item") -> MessageCreate:
    """Return an item as a message, of which `items_of` makes the same item; `InvalidInput` at its place for no JSON."""
    with is_json(item, place):
        return _message_of_item(item)


def _message_of_item(item: Item) -> MessageCreate:
    turn = openai_responses.FORMAT.turn(item) or openai_chat.FORMAT.turn(item) or Turn("assistant", (), item)
    message = message_of(turn)
    if items_of(message) == [item]:
        return message
    return message.model_copy(update={"native": item, "metadata": AS_IT_IS})


def items_of(message: MessageRead | MessageCreate) -> list[Item]:
    """Return what a message is to a session: one item mostly; several, or none, when another program wrote it."""
    if message.metadata == AS_IT_IS and isinstance(message.native, dict):
        return [message.native]
    return to_openai_responses([message])
