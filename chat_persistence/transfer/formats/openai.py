"""OpenAI's JSONL for fine-tuning and for chats: a line is a conversation, `{"messages": […]}`."""

from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO
from uuid import UUID

from pydantic import Field

from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.provider_formats.parts import Turn
from chat_persistence.provider_formats.reading.format import native_of, said_in
from chat_persistence.provider_formats.reading.openai_chat import FORMAT, ChatMessage
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.transfer.conversion import convert_all, origin
from chat_persistence.transfer.identities import Identity, digest_of
from chat_persistence.transfer.json_lines import read_json_lines
from chat_persistence.transfer.records import Record
from chat_persistence.validation import check_user_id
from chat_persistence.values import Text

NAME = "openai"


class _Message(ChatMessage):
    # Files have roles that no provider takes; what they say is kept.
    role: Text


class _Dialogue(Shape):
    messages: Annotated[list[_Message], Field(min_length=1)]


class OpenAIChat:
    """Lines of OpenAI's chat format. They have no ids, so equal lines are one conversation, in whatever file."""

    def __init__(self, *, user_id: str) -> None:
        self._user_id = check_user_id(user_id)

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """Yield a conversation for each line."""
        return convert_all(read_json_lines(file), self._convert)

    def _convert(self, value: dict[str, Any]) -> Iterator[ConversationLoad]:
        messages = _Dialogue.model_validate(value).messages
        identity = Identity.of(None, NAME, self._user_id, digest_of(value))
        yield ConversationLoad(
            user_id=self._user_id,
            id=identity.conversation_id,
            messages=[
                _message(identity.message_id(place), message, original)
                for place, (message, original) in enumerate(zip(messages, value["messages"], strict=True), 1)
            ],
            metadata=origin(NAME, {key: value[key] for key in value if key != "messages"}),
        )


def _message(id: UUID, message: ChatMessage, original: dict[str, Any]) -> MessageLoad:
    speaker, parts = FORMAT.read(message)
    said = said_in(Turn(speaker, tuple(parts)))
    return MessageLoad(
        id=id, role=said.role, content=said.content, tool_calls=said.tool_calls, native=native_of(said, original)
    )
