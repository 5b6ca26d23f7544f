"""What comes back of a draft: a reply that is still being received, or whose receiver is gone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import PlainSerializer

from chat_persistence.errors import InvalidInput
from chat_persistence.scalar_values import scalar_json
from chat_persistence.values import ReadText

ABORTED = "aborted"
"""The key under which the metadata of a message says true when its reply broke off."""

ReadItems = Annotated[list[Any], PlainSerializer(scalar_json, return_type=list[Any], when_used="json")]


@dataclass(frozen=True, slots=True)
class DraftRead:
    """A reply as far as it is stored; `id` is that of the message to be, `updated_at` when its last part was stored.

    `native` are the provider's own items, in their order. `unreadable` names columns that hold what this library
    cannot have written; they are empty here.
    """

    conversation_id: UUID
    user_id: str
    id: UUID
    content: ReadText
    native: ReadItems = field(hash=False)
    parts: int
    started_at: datetime
    updated_at: datetime
    unreadable: tuple[str, ...] = ()


def joined_metadata(*each: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return all in one, of which the later win, or None for nothing but None; else raise `InvalidInput`."""
    given = [metadata for metadata in each if metadata is not None]
    if not all(isinstance(metadata, Mapping) for metadata in given):
        raise InvalidInput("metadata", "must be a mapping")
    return {key: value for metadata in given for key, value in metadata.items()} if given else None
