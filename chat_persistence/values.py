"""What goes in and what comes out: validated input, and immutable records that belong to no session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    model_validator,
)
from pydantic.dataclasses import dataclass as validated_dataclass

from chat_persistence.identifiers import uuid7
from chat_persistence.models import MessageRole
from chat_persistence.scalar_values import scalar_json, scalar_text
from chat_persistence.text import is_plain

MAX_TITLE_CHARS = 200
MAX_INTEGER = 2**31 - 1
"""Of PostgreSQL's `integer`."""
MAX_TOKEN_COUNT = MAX_INTEGER

Item = TypeVar("Item")


class Absent(Enum):
    """The type of `ABSENT`: a result that has not come yet. None is a result: JSON's null."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return self.name


ABSENT = Absent.ABSENT


def _is_absent(result: object) -> bool:
    return result is ABSENT


def _plain(text: str) -> str:
    if not is_plain(text):
        raise ValueError("must hold neither U+0000 nor surrogates")
    return text


def _title(text: str) -> str:
    # Not pydantic's own bounds: for them it would encode all 200 MB of a hostile title.
    if not 1 <= len(text) <= MAX_TITLE_CHARS:
        raise ValueError(f"must have 1 to {MAX_TITLE_CHARS} characters")
    return _plain(text)


def _with_text_as_keys(given: object) -> object:
    # pydantic would name a key that it refuses, which is a user's text, and make text of bytes.
    if isinstance(given, Mapping) and not all(isinstance(key, str) for key in given):
        raise ValueError("keys must be strings")
    return given


Text = Annotated[str, Strict()]
"""Never bytes, which pydantic would decode."""
PlainText = Annotated[Text, AfterValidator(_plain)]
Metadata = Annotated[dict[str, Any], BeforeValidator(_with_text_as_keys)]
JSONObject = Annotated[Mapping[str, Any], BeforeValidator(_with_text_as_keys)]
"""Of a dataclass, which is given what it is annotated with."""
Title = Annotated[Text, AfterValidator(_title), Field(json_schema_extra={"minLength": 1, "maxLength": MAX_TITLE_CHARS})]

# What pydantic writes as JSON, a FastAPI response above all, is UTF-8.
ReadText = Annotated[str, PlainSerializer(scalar_text, when_used="json")]
ReadJSON = Annotated[Any, PlainSerializer(scalar_json, when_used="json")]
ReadMetadata = Annotated[dict[str, Any], PlainSerializer(scalar_json, return_type=dict[str, Any], when_used="json")]

INPUT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@validated_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", hide_input_in_errors=True))
class ToolCall:
    """A call of a tool, its result, or both.

    A call has `id`, `name` and `arguments`, the provider's own string, which need not be valid JSON. In a
    later message, a `ToolCall` with `id` and `result` alone is the result of the call with that id. A result
    comes back equal, its keys in another order: what must keep it belongs into `MessageCreate.native`.
    """

    id: Annotated[Text, Field(min_length=1), AfterValidator(_plain)]
    name: PlainText | None = None
    arguments: Text | None = None
    result: Annotated[Any, Field(exclude_if=_is_absent)] = ABSENT
    is_error: bool = False

    @property
    def has_result(self) -> bool:
        """Whether the result is here; None is one."""
        return self.result is not ABSENT

    @property
    def is_call(self) -> bool:
        """Whether this says what was called, rather than only what came of it."""
        return self.name is not None or self.arguments is not None


def _scalar_call(call: ToolCall) -> ToolCall:
    arguments = None if call.arguments is None else scalar_text(call.arguments)
    return replace(call, arguments=arguments, result=scalar_json(call.result))


def _scalar_calls(calls: list[ToolCall]) -> list[ToolCall]:
    return [_scalar_call(call) for call in calls]


class MessageCreate(BaseModel):
    """A message to append.

    `id` makes the append repeatable: the same id stored again is the same message, for ever. `content` is
    what a person reads; it may be empty only when `tool_calls` or `native` says something. `native` is the
    provider's own JSON, kept exactly; `metadata` is the host's.
    """

    model_config = INPUT

    id: UUID = Field(default_factory=uuid7)
    role: MessageRole
    content: Text = ""
    tool_calls: list[ToolCall] = Field(default_factory=list)
    native: Any = None
    metadata: Metadata | None = None
    token_count: int | None = Field(default=None, ge=0, le=MAX_TOKEN_COUNT)

    if TYPE_CHECKING:
        # What is accepted is wider than what is held: a role by its name.
        def __init__(
            self,
            *,
            role: MessageRole | Literal["user", "assistant"],
            content: str = ...,
            tool_calls: Sequence[ToolCall] = ...,
            native: Any = ...,
            metadata: Mapping[str, Any] | None = ...,
            token_count: int | None = ...,
            id: UUID = ...,
        ) -> None: ...

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.content and not self.tool_calls and self.native is None:
            raise ValueError("content must not be empty, unless tool_calls or native says something")
        return self


class ConversationCreate(BaseModel):
    """A conversation to create. Without a `title`, one is cut from the first user message."""

    model_config = INPUT

    id: UUID = Field(default_factory=uuid7)
    title: Title | None = None
    metadata: Metadata = Field(default_factory=dict)


class ConversationUpdate(BaseModel):
    """What to change of a conversation: only the fields that are given. `title=None` takes the title away."""

    model_config = INPUT

    title: Title | None = None
    metadata: Metadata = Field(default_factory=dict)


@validated_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid", hide_input_in_errors=True))
class MetadataSwap:
    """One key of a conversation's metadata, what it becomes, and what it has to be before: compare-and-swap.

    `key` is a top-level one, and the others stay as they are. What it has now must contain `expected`, in the sense of
    PostgreSQL's `@>`: the same members at least, and each of an array's somewhere in the other. An empty one is any
    object; None says that the key must not be there.

    To tell one's own swap from an equal one of somebody else, a token of one's own, a UUID say, belongs into each
    `value`; the next swap expects it.
    """

    key: Text
    value: JSONObject
    expected: JSONObject | None


@dataclass(frozen=True, slots=True)
class ConversationRead:
    """A conversation as it was read. Times are UTC; `last_position` is the revision of its log.

    A fork names the conversation that it was made of, which may be gone, and the last position that it shares with it.

    `unreadable` names columns that hold what this library cannot have written; they are empty here.
    """

    user_id: str
    id: UUID
    title: str | None
    last_position: int
    message_count: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    metadata: ReadMetadata = field(hash=False)
    forked_from: UUID | None = None
    forked_position: int | None = None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageRead:
    """A message as it was read. Positions count from 1; a gap among them is a rewind.

    `unreadable` names columns that hold what this library cannot have written; they are empty here.
    """

    conversation_id: UUID
    user_id: str
    position: int
    id: UUID
    role: MessageRole
    content: ReadText
    tool_calls: Annotated[list[ToolCall], PlainSerializer(_scalar_calls, when_used="json")] = field(hash=False)
    native: ReadJSON = field(hash=False)
    metadata: ReadMetadata | None = field(hash=False)
    token_count: int | None
    created_at: datetime
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConversationWithMessages:
    """A conversation and its newest messages, oldest first, as one statement saw them."""

    conversation: ConversationRead
    messages: list[MessageRead] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One keyset page. `next_cursor` leads on in the same direction; None says that nothing is there yet."""

    items: Sequence[Item] = field(hash=False)
    next_cursor: str | None
