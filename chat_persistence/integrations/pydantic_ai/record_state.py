"""What Pydantic AI keeps of a conversation besides its messages, under one key of the conversation's metadata."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic_ai import RunUsage, UserError
from pydantic_ai.conversation_store import ConversationRecord

from chat_persistence import ConversationRead, MetadataSwap, conversation_id_of
from chat_persistence.derived_ids import derived_id

KEY = "pydantic_ai"
FORMAT_VERSION = 1
_BRANCH = "branch"
_BRANCH_OF = "branch_of"


class RecordState(BaseModel):
    """A record as it was written last. It is current as long as the log is at `position`: others may append, too."""

    model_config = ConfigDict(frozen=True)

    conversation_id: str
    revision: str
    position: int
    head: str | None
    usage: RunUsage = Field(default_factory=RunUsage)
    deferred: bool = False
    """Whether the requests that the newest message has are still waited for."""
    forked_from: str | None = None
    forked_at: str | None = None
    branches: list[str] = Field(default_factory=list)
    branch_conversations: list[UUID] = Field(default_factory=list)
    """Where the messages are that the conversation has left."""
    format_version: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation's record as it is stored, and what a write holds against it."""

    revision: str
    position: int
    found: Any
    """What the metadata have under the key, whoever put it there."""
    state: RecordState | None
    """What was written under this conversation's own id; None: nothing yet."""
    is_current: bool
    """Whether nothing was appended or rewound since by anybody else."""

    def swap(self, state: RecordState) -> MetadataSwap:
        """Return the change from this to another state; raise `UserError` where what is there is not ours to change."""
        return MetadataSwap(KEY, state.model_dump(mode="json"), self.expected)

    @property
    def expected(self) -> dict[str, Any] | None:
        """What the metadata must still have under the key; None: nothing. Raise `UserError` as `swap` does."""
        if self.found is None:
            return None
        if not isinstance(self.found, dict):
            raise UserError(f"The key {KEY!r} of this conversation's metadata holds something else.")
        if self.found.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
            raise UserError("This conversation was written by a later version of chat_persistence.")
        return {"revision": revision} if (revision := _revision(self.found)) else self.found


def stored_record(conversation: ConversationRead) -> Stored:
    """Return the record of a conversation; its revision is the one that was written, or says what came since."""
    found = conversation.metadata.get(KEY)
    state = _own_state(found, conversation.id)
    is_current = state is not None and state.position == conversation.last_position
    revision = state.revision if state is not None and is_current else _derived_revision(conversation, found)
    return Stored(revision, conversation.last_position, found, state, is_current)


def state_of(
    record: ConversationRecord, position: int, branch_conversations: list[UUID], *, head: str | None
) -> RecordState:
    """Return what is to be written of a record, when the log is at `position` after it."""
    return RecordState(
        conversation_id=record.conversation_id,
        revision=record.revision,
        position=position,
        head=head,
        usage=record.usage,
        deferred=record.deferred_tool_requests is not None,
        forked_from=record.forked_from,
        forked_at=record.forked_at,
        branches=record.branches,
        branch_conversations=branch_conversations,
    )


def branch_metadata(branch: UUID, conversation_id: UUID) -> dict[str, Any]:
    """Return the metadata of a conversation that has what another one has left."""
    return {KEY: {_BRANCH: str(branch), _BRANCH_OF: str(conversation_id)}}


def is_branch(conversation: ConversationRead) -> bool:
    """Whether a conversation has what another one has left: it is no conversation to Pydantic AI."""
    found = conversation.metadata.get(KEY)
    # A fork that the host makes of one has its metadata, and another id.
    return isinstance(found, dict) and found.get(_BRANCH) == str(conversation.id)


def _own_state(found: Any, id: UUID) -> RecordState | None:
    try:
        state = RecordState.model_validate(found)
        # A fork that the host made has the other conversation's.
        return state if conversation_id_of(state.conversation_id) == id else None
    except ValueError:
        return None


def _revision(found: Any) -> str:
    revision = found.get("revision") if isinstance(found, dict) else None
    return revision if isinstance(revision, str) else ""


def _derived_revision(conversation: ConversationRead, found: Any) -> str:
    # Of one that was deleted and made again under its id, it is another.
    made = conversation.created_at.isoformat()
    return str(derived_id(None, "pydantic_ai revision", made, _revision(found), str(conversation.last_position)))
