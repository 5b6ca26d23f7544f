"""ChatGPT's export: `conversations.json`, or several `conversations-NNN.json`, in which each conversation is a tree."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from pydantic import AliasChoices, Field, TypeAdapter

from chat_persistence.load_values import ConversationLoad, MessageLoad
from chat_persistence.provider_formats.shapes import Shape
from chat_persistence.transfer.conversion import ASSISTANT, USER, Time, convert_all, origin, title_of
from chat_persistence.transfer.identities import Identity, digest_of
from chat_persistence.transfer.json_arrays import read_json_array
from chat_persistence.transfer.records import Record
from chat_persistence.transfer.trees import Tree, conversations_of
from chat_persistence.validation import check_user_id
from chat_persistence.values import Text, ToolCall

NAME = "chatgpt"

ALL = "all"
"""The recipient of what is said to the person; any other is a tool."""
HIDDEN = "is_visually_hidden_from_conversation"
UNSEEN = ("thoughts", "reasoning_recap", "user_editable_context", "model_editable_context")
"""What a person does not read: it stays in `native`."""


class _Author(Shape):
    role: Text
    name: Text | None = None


class _Content(Shape):
    content_type: Text | None = None
    parts: list[Any] | None = None
    text: Text | None = None

    def read(self) -> str:
        """Return its text; images and other files have none."""
        parts = (part.get("text") if isinstance(part, dict) else part for part in self.parts or ())
        return self.text or "\n".join(part for part in parts if isinstance(part, str) and part)


class _Message(Shape):
    author: _Author
    create_time: Time | None = None
    content: _Content
    weight: float | None = None
    recipient: Text | None = None
    metadata: dict[str, Any] | None = None

    @property
    def is_call(self) -> bool:
        return self.author.role == "assistant" and self.recipient not in (None, ALL)

    @property
    def is_seen(self) -> bool:
        hidden = (self.metadata or {}).get(HIDDEN) or self.content.content_type in UNSEEN
        return self.author.role in ("user", "assistant") and not hidden and not self.is_call


class _Node(Shape):
    parent: Text | None = None
    message: _Message | None = None


class _Conversation(Shape):
    id: Text | None = Field(None, validation_alias=AliasChoices("conversation_id", "id"))
    title: Text | None = None
    create_time: Time | None = None
    update_time: Time | None = None
    is_archived: bool | None = None
    current_node: Text | None = None
    mapping: dict[str, Any] = Field(min_length=1)


# Not within the model, where the path in an error would hold ids.
_nodes = TypeAdapter(list[_Node])


class ChatGPTExport:
    """ChatGPT's export. What it says of each message stays whole in `native`; messages of weight 0 are left out."""

    def __init__(self, *, user_id: str) -> None:
        self._user_id = check_user_id(user_id)

    def records(self, file: BinaryIO) -> Iterator[Record]:
        """Yield each conversation's current branch, and then its others as forks of it."""
        return convert_all(read_json_array(file), self._convert)

    def _convert(self, value: dict[str, Any]) -> Iterator[ConversationLoad]:
        conversation = _Conversation.model_validate(value)
        originals = conversation.mapping
        nodes = dict(zip(originals, _nodes.validate_python(list(originals.values())), strict=True))
        kept = {key: node.message for key, node in nodes.items() if node.message and node.message.weight != 0}
        yield from conversations_of(
            Tree(
                user_id=self._user_id,
                key=(NAME, self._user_id, conversation.id or digest_of(value)),
                parents={key: node.parent for key, node in nodes.items()},
                current=_current(conversation, nodes),
                kept=kept,
                tell=lambda identity, keys: _tell(identity, keys, kept, originals),
                title=title_of(conversation.title),
                metadata=origin(NAME, {key: value[key] for key in value if key != "mapping"}),
                created_at=conversation.create_time,
                updated_at=conversation.update_time,
                archived_at=conversation.update_time if conversation.is_archived else None,
            )
        )


def _current(conversation: _Conversation, nodes: dict[str, _Node]) -> str:
    named = conversation.current_node
    return named if named in nodes else next(reversed(nodes))


def _tell(
    identity: Identity, keys: list[str], kept: dict[str, _Message], originals: dict[str, Any]
) -> Sequence[MessageLoad]:
    calls: dict[str | None, str] = {}
    told = []
    for key in keys:
        message = kept[key]
        if message.is_call:
            calls[message.recipient] = key
        told.append(
            MessageLoad(
                id=identity.message_id(key, message.create_time),
                role=USER if message.author.role == "user" and message.is_seen else ASSISTANT,
                content=message.content.read() if message.is_seen else "",
                tool_calls=_tool_calls(key, message, calls),
                native=originals[key]["message"],
                created_at=message.create_time,
            )
        )
    return told


def _tool_calls(key: str, message: _Message, calls: dict[str | None, str]) -> list[ToolCall]:
    text = message.content.read()
    if message.is_call:
        return [ToolCall(key, message.recipient, text)]
    # A tool answers to its name; one that nobody called by it has its answer in `native` alone.
    called = calls.get(message.author.name) if message.author.role == "tool" else None
    return [ToolCall(called, result=text)] if called else []
