"""The items of a session as messages, and messages, whoever wrote them, as the items of a session."""

from collections.abc import Sequence
from typing import Any

from chat_persistence.errors import InvalidInput
from chat_persistence.provider_formats import from_openai_responses, to_openai_responses
from chat_persistence.values import MessageCreate, MessageRead

Item = dict[str, Any]

AS_IT_IS = {"openai_agents": "as it is"}
"""The metadata of a message whose `native` is given back, although it is no item of the Responses API."""


def messages_of(items: Sequence[Any]) -> list[MessageCreate]:
    """Return a message for each item, which comes back equal; `InvalidInput` for what is no JSON object."""
    return [_message_of(item, place) for place, item in enumerate(items)]


def items_of(message: MessageRead | MessageCreate) -> list[Item]:
    """Return what a message is to a session: one item mostly; several, or none, when another program wrote it."""
    if message.metadata == AS_IT_IS and isinstance(message.native, dict):
        return [message.native]
    return to_openai_responses([message])


def _message_of(item: object, place: int) -> MessageCreate:
    if not isinstance(item, dict):
        raise InvalidInput(f"items[{place}]", "must be a JSON object")
    try:
        (message,) = from_openai_responses([item])
    except InvalidInput:
        # A session takes any object: those of the SDK's `EncryptedSession` have neither role nor type.
        return MessageCreate(role="assistant", native=item, metadata=AS_IT_IS)
    if items_of(message) == [item]:
        return message
    return message.model_copy(update={"native": item, "metadata": AS_IT_IS})
