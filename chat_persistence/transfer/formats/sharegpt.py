"""ShareGPT's format: `{"conversations": [{"from": "human", "value": …}, …]}`, in one JSON array or one a line."""

from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO

from pydantic import AliasChoices, Field

from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.transfer.conversion import ASSISTANT, USER, convert_all, origin
from chat_persistence.transfer.identities import Identity, digest_of
from chat_persistence.transfer.json_arrays import read_json_array
from chat_persistence.transfer.json_lines import JSONValue, read_json_lines
from chat_persistence.transfer.records import BadRecord, Record
from chat_persistence.validation import check_user_id
from chat_persistence.values import Text

NAME = "sharegpt"

PEOPLE = ("human", "user")
UNSEEN = ("system", "tool", "function", "function_call", "function_response", "observation")
"""What a person does not read: instructions, calls of tools and their results, which stay in `native`."""


class _Message(Shape):
    speaker: Text = Field(validation_alias=AliasChoices("from", "role"))
    text: Text = Field(validation_alias=AliasChoices("value", "content"))


class _Dialogue(Shape):
    conversations: Annotated[list[_Message], Field(min_length=1)]


class ShareGPT:
    """ShareGPT's dialogues. Their ids cannot be relied on, so equal ones are one conversation, in whatever file."""

    def __init__(self, *, user_id: str) -> None:
        self._user_id = check_user_id(user_id)

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """Yield a conversation for each item of the array, or for each line."""
        return convert_all(_read(file), self._convert)

    def _convert(self, value: dict[str, Any]) -> Iterator[ConversationLoad]:
        messages = _Dialogue.model_validate(value).conversations
        identity = Identity.of(None, NAME, self._user_id, digest_of(value))
        yield ConversationLoad(
            user_id=self._user_id,
            id=identity.conversation_id,
            messages=[
                MessageLoad(
                    id=identity.message_id(place),
                    role=USER if message.speaker in PEOPLE else ASSISTANT,
                    content="" if message.speaker in UNSEEN else message.text,
                    native=_native(original),
                )
                for place, (message, original) in enumerate(zip(messages, value["conversations"], strict=True), 1)
            ],
            metadata=origin(NAME, {key: value[key] for key in value if key != "conversations"}),
        )


def _read(file: BinaryIO) -> Iterator[JSONValue | BadRecord]:
    start = file.read(1)
    while start.isspace() or start in (b"\xef", b"\xbb", b"\xbf"):
        start = file.read(1)
    file.seek(0)
    return read_json_array(file) if start == b"[" else read_json_lines(file)


def _native(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the message, or nothing where a side and a text say all of it."""
    says_all = message.keys() == {"from", "value"} and message["from"] in ("human", "gpt")
    return None if says_all and message["value"] else message
