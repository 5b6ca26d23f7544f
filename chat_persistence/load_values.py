"""What goes in by a load: whole conversations, with what was when they were said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, Strict, model_validator

from chat_persistence.models import MessageRole
from chat_persistence.values import INPUT, MAX_INTEGER, MessageCreate, Metadata, Title, ToolCall


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be in the years 1 to 9999 of UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Position = Annotated[int, Strict(), Field(ge=1, le=MAX_INTEGER)]
Revision = Annotated[int, Strict(), Field(ge=0, le=MAX_INTEGER)]


class MessageLoad(MessageCreate):
    """A message to load, with the time at which it was said and the position that it had, which is else the next."""

    created_at: Moment | None = None
    position: Position | None = None

    if TYPE_CHECKING:

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
            created_at: datetime | None = ...,
            position: int | None = ...,
        ) -> None: ...


class ConversationLoad(BaseModel):
    """A whole conversation to load: its owner, its id, which makes the load repeatable, and its messages in order.

    All times know their zone. A message without a time has that of the one before it, and so has one whose
    time is earlier, as in an append; `created_at` and `updated_at` are else those of the messages, or the
    moment of the load. Without a `title`, one is cut from the first user message, if `cut_title`. Positions count
    from 1 where the messages have none; `last_position` is else that of the last message, and may be beyond it, as
    after a rewind.
    """

    model_config = INPUT

    user_id: str
    id: UUID
    title: Title | None = None
    messages: tuple[MessageLoad | MessageCreate, ...] = ()
    metadata: Metadata = Field(default_factory=dict)
    created_at: Moment | None = None
    updated_at: Moment | None = None
    archived_at: Moment | None = None
    last_position: Revision | None = None
    forked_from: UUID | None = None
    forked_position: Revision | None = None
    cut_title: bool = True

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            user_id: str,
            id: UUID,
            title: str | None = ...,
            messages: Sequence[MessageCreate] = ...,
            metadata: Mapping[str, Any] = ...,
            created_at: datetime | None = ...,
            updated_at: datetime | None = ...,
            archived_at: datetime | None = ...,
            last_position: int | None = ...,
            forked_from: UUID | None = ...,
            forked_position: int | None = ...,
            cut_title: bool = ...,
        ) -> None: ...

    @model_validator(mode="after")
    def _names_its_origin_whole(self) -> Self:
        if (self.forked_from is None) is not (self.forked_position is None):
            raise ValueError("forked_from and forked_position must be given together")
        return self


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """What a load has come to: what it stored, and how many of the conversations were there before.

    A batch that was stored, but whose answer was lost, counts as there before.
    """

    conversations_stored: int = 0
    messages_stored: int = 0
    conversations_present: int = 0
