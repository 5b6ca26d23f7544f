"""One user's chats as plain values in memory: what the store says must be what this says.

It has the methods of `UserChats` and of a unit of work. Its times are a count of changes, which order the listing as
the server's clock does; a cursor is a place written out.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chat_persistence import (
    ConversationChanged,
    ConversationConflict,
    ConversationNotFound,
    ConversationRead,
    ConversationUpdate,
    ConversationWithMessages,
    InvalidInput,
    MessageConflict,
    MessageCreate,
    MessageNotFound,
    MessageRead,
    MessageRole,
    MetadataSwap,
    Page,
    Usage,
)


@dataclass(frozen=True)
class Kept:
    """A conversation and its messages, oldest first."""

    conversation: ConversationRead
    messages: tuple[MessageRead, ...] = ()


@dataclass
class ModelChats:
    """One user's chats."""

    user_id: str
    kept: dict[UUID, Kept] = field(default_factory=dict)
    changes: int = 0

    def copy(self) -> "ModelChats":
        """Return the same chats, to be changed apart; what is changed in one transaction has one time."""
        return ModelChats(self.user_id, dict(self.kept), self.changes + 1)

    @property
    def now(self) -> datetime:
        return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=self.changes)

    @property
    def conversations(self) -> "ModelConversations":
        return ModelConversations(self)

    @property
    def messages(self) -> "ModelMessages":
        return ModelMessages(self)

    async def usage(self) -> Usage:
        return sum([await self.conversations.usage(id) for id in self.kept], Usage())

    async def erase(self) -> int:
        erased = len(self.kept)
        self.kept.clear()
        return erased

    def find(self, conversation_id: UUID) -> Kept:
        if conversation_id not in self.kept:
            raise ConversationNotFound(conversation_id)
        return self.kept[conversation_id]

    def change(self, conversation_id: UUID, **changes: Any) -> ConversationRead:
        """Change a conversation, which moves its time; an update to `messages` counts them."""
        kept = self.find(conversation_id)
        messages = changes.pop("messages", kept.messages)
        changes |= {"message_count": len(messages), "updated_at": self.now}
        self.kept[conversation_id] = Kept(replace(kept.conversation, **changes), messages)
        return self.kept[conversation_id].conversation

    def add(self, conversation_id: UUID, title: str | None, metadata: Mapping[str, Any]) -> ConversationRead:
        conversation = ConversationRead(
            self.user_id, conversation_id, title, 0, 0, self.now, self.now, None, dict(metadata)
        )
        self.kept[conversation_id] = Kept(conversation)
        return conversation


@dataclass
class ModelConversations:
    """What one can do with them."""

    chats: ModelChats

    async def create(
        self, *, id: UUID, title: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> ConversationRead:
        if id in self.chats.kept:
            return self.chats.kept[id].conversation
        return self.chats.add(id, title, metadata or {})

    async def get(self, id: UUID) -> ConversationRead:
        return self.chats.find(id).conversation

    async def get_with_messages(self, id: UUID, limit: int = 50) -> ConversationWithMessages:
        kept = self.chats.find(id)
        return ConversationWithMessages(kept.conversation, list(kept.messages[-limit:]))

    async def page(
        self, limit: int = 20, *, after: str | None = None, archived: bool = False
    ) -> Page[ConversationRead]:
        listed = [
            each.conversation for each in self.chats.kept.values() if bool(each.conversation.archived_at) is archived
        ]
        listed.sort(key=_place, reverse=True)
        items = [each for each in listed if after is None or _place(each) < after][: limit + 1]
        return Page(items[:limit], _place(items[limit - 1]) if len(items) > limit else None)

    async def update(self, id: UUID, changes: ConversationUpdate) -> ConversationRead:
        given = changes.model_dump(exclude_unset=True)
        return self.chats.change(id, **given) if given else await self.get(id)

    async def swap_metadata(
        self, id: UUID, swap: MetadataSwap, *, expected_position: int | None = None
    ) -> ConversationRead:
        found = self.chats.find(id).conversation
        if found.metadata.get(swap.key) != swap.value:
            _refuse_changed(found, expected_position, swap)
        return self.chats.change(id, metadata={**found.metadata, swap.key: swap.value})

    async def rename(self, id: UUID, title: str | None) -> ConversationRead:
        return self.chats.change(id, title=title)

    async def archive(self, id: UUID) -> ConversationRead:
        return self.chats.change(id, archived_at=self.chats.find(id).conversation.archived_at or self.chats.now)

    async def unarchive(self, id: UUID) -> ConversationRead:
        return self.chats.change(id, archived_at=None)

    async def delete(self, id: UUID) -> None:
        self.chats.find(id)
        del self.chats.kept[id]

    async def fork(self, id: UUID, at_position: int, *, fork_id: UUID, title: str | None = None) -> ConversationRead:
        if fork_id in self.chats.kept:
            found = self.chats.kept[fork_id].conversation
            if (found.forked_from, found.forked_position) != (id, at_position):
                raise ConversationConflict(fork_id)
            return found
        source = self.chats.find(id)
        if source.conversation.last_position < at_position:
            raise ConversationChanged(id, at_position, source.conversation.last_position)
        shared = [message for message in source.messages if message.position <= at_position]
        fork = replace(
            source.conversation,
            id=fork_id,
            title=title or source.conversation.title,
            last_position=at_position,
            archived_at=None,
            forked_from=id,
            forked_position=at_position,
        )
        self.chats.kept[fork_id] = Kept(fork)
        return self.chats.change(fork_id, messages=tuple(_copy(message, fork_id) for message in shared))

    async def usage(self, id: UUID) -> Usage:
        counts = [message.token_count for message in self.chats.find(id).messages]
        return Usage(len(counts), sum(count or 0 for count in counts), counts.count(None))


@dataclass
class ModelMessages:
    """What one can do with them."""

    chats: ModelChats

    async def append(
        self,
        conversation_id: UUID,
        *messages: MessageCreate,
        create_conversation: bool = False,
        expected_position: int | None = None,
        swap: MetadataSwap | None = None,
    ) -> list[MessageRead]:
        if len({message.id for message in messages}) < len(messages):
            raise InvalidInput("messages", "the same id twice")
        stored = self._by_id()
        if any(message.id in stored for message in messages):
            return _as_stored(conversation_id, messages, stored)
        may_create = create_conversation and not expected_position and (swap is None or swap.expected is None)
        if conversation_id not in self.chats.kept and may_create:
            self.chats.add(conversation_id, None, {})
        conversation = self.chats.find(conversation_id).conversation
        _refuse_changed(conversation, expected_position, swap)
        return self._add(conversation, messages, {} if swap is None else {swap.key: swap.value})

    async def last(
        self,
        conversation_id: UUID,
        limit: int | None = None,
        *,
        whole_turns: bool = False,
        max_tokens: int | None = None,
    ) -> list[MessageRead]:
        messages = self._of(conversation_id)
        if max_tokens is not None:
            ends = _whole_ends(messages) if whole_turns else _unsplit_ends(messages)
            return max((each for each in ends if _fits(each, limit or 1000, max_tokens)), key=len, default=[])
        limit = limit or 50
        if not whole_turns:
            return messages[-limit:]
        wholes = _whole_ends(messages)
        within = [each for each in wholes if len(each) <= limit]
        return max(within, key=len) if within else min(wholes, key=len, default=[])

    async def last_turns(self, conversation_id: UUID, turns: int) -> list[MessageRead]:
        wholes = _whole_ends(self._of(conversation_id))
        enough = [each for each in wholes if sum(map(_starts_turn, each)) >= turns]
        return min(enough, key=len) if enough else max(wholes, key=len, default=[])

    async def page(
        self,
        conversation_id: UUID,
        limit: int = 50,
        *,
        before: int | str | None = None,
        after: int | str | None = None,
    ) -> Page[MessageRead]:
        messages = self._of(conversation_id)
        if after is not None:
            items = [each for each in messages if each.position > int(after)]
            return Page(items[:limit], str(items[limit - 1].position) if len(items) > limit else None)
        items = [each for each in messages if before is None or each.position < int(before)]
        return Page(items[-limit:], str(items[-limit].position) if len(items) > limit else None)

    async def get(self, id: UUID) -> MessageRead:
        stored = self._by_id()
        if id not in stored:
            raise MessageNotFound(id)
        return stored[id]

    async def through(self, id: UUID, limit: int = 50) -> list[MessageRead]:
        end = await self.get(id)
        return [each for each in self._of(end.conversation_id) if each.position <= end.position][-limit:]

    async def iterate(self, conversation_id: UUID) -> AsyncIterator[MessageRead]:
        for message in self._of(conversation_id):
            yield message

    async def rewind(
        self, conversation_id: UUID, to_position: int, *, expected_position: int | None = None
    ) -> ConversationRead:
        kept = self.chats.find(conversation_id)
        _refuse_changed(kept.conversation, expected_position, None)
        left = tuple(message for message in kept.messages if message.position <= to_position)
        revision = kept.conversation.last_position + (len(left) < len(kept.messages))
        return self.chats.change(conversation_id, messages=left, last_position=revision)

    def _add(
        self, conversation: ConversationRead, messages: Sequence[MessageCreate], swapped: Mapping[str, Any]
    ) -> list[MessageRead]:
        titles = [message.content for message in messages if message.role is MessageRole.USER and message.content]
        added = [
            _read(self.chats, conversation.id, conversation.last_position + nth, message)
            for nth, message in enumerate(messages, 1)
        ]
        self.chats.change(
            conversation.id,
            messages=(*self.chats.kept[conversation.id].messages, *added),
            last_position=conversation.last_position + len(added),
            title=conversation.title or next(iter(titles), None),
            metadata={**conversation.metadata, **swapped},
        )
        return added

    def _of(self, conversation_id: UUID) -> list[MessageRead]:
        return list(self.chats.kept[conversation_id].messages) if conversation_id in self.chats.kept else []

    def _by_id(self) -> dict[UUID, MessageRead]:
        return {message.id: message for each in self.chats.kept.values() for message in each.messages}


def _read(chats: ModelChats, conversation_id: UUID, position: int, message: MessageCreate) -> MessageRead:
    return MessageRead(
        conversation_id,
        chats.user_id,
        position,
        message.id,
        message.role,
        message.content,
        message.tool_calls,
        message.native,
        message.metadata,
        message.token_count,
        chats.now,
    )


def _copy(message: MessageRead, fork_id: UUID) -> MessageRead:
    """Return the message in a fork: its id has the fork's 48 bits of time, and else those of a digest."""
    digest = hashlib.sha256(fork_id.bytes + message.id.bytes).hexdigest()
    id = UUID(f"{fork_id.hex[:12]}7{digest[13:16]}8{digest[17:32]}")
    return replace(message, conversation_id=fork_id, id=id)


def _as_stored(
    conversation_id: UUID, messages: Sequence[MessageCreate], stored: Mapping[UUID, MessageRead]
) -> list[MessageRead]:
    differing = [
        sent.id
        for sent in messages
        if sent.id not in stored
        or stored[sent.id].conversation_id != conversation_id
        or any(
            getattr(sent, name) != getattr(stored[sent.id], name)
            for name in ("role", "content", "tool_calls", "native")
        )
    ]
    if differing:
        raise MessageConflict(conversation_id, tuple(differing))
    return [stored[sent.id] for sent in messages]


def _refuse_changed(found: ConversationRead, expected_position: int | None, swap: MetadataSwap | None) -> None:
    if expected_position not in (None, found.last_position):
        raise ConversationChanged(found.id, expected_position, found.last_position)
    if swap is not None and not _is_as_expected(found.metadata, swap):
        raise ConversationChanged(found.id, expected_position, found.last_position, in_metadata=True)


def _is_as_expected(metadata: Mapping[str, Any], swap: MetadataSwap) -> bool:
    present = metadata.get(swap.key)
    if swap.expected is None:
        return swap.key not in metadata
    return isinstance(present, dict) and swap.expected.items() <= present.items()


def _place(conversation: ConversationRead) -> str:
    return f"{conversation.updated_at.isoformat()} {conversation.id}"


def _starts_turn(message: MessageRead) -> bool:
    return message.role is MessageRole.USER and not message.tool_calls


def _fits(messages: list[MessageRead], limit: int, max_tokens: int) -> bool:
    return len(messages) <= limit and sum(message.token_count or 0 for message in messages) <= max_tokens


def _whole_ends(messages: list[MessageRead]) -> list[list[MessageRead]]:
    """Return the ends of a log that begin a turn and hold the call of every result in them."""
    return [end for end in _unsplit_ends(messages) if _starts_turn(end[0])]


def _unsplit_ends(messages: list[MessageRead]) -> list[list[MessageRead]]:
    ends = [messages[start:] for start in range(len(messages))]
    return [end for end in ends if all(_results([message]) <= _calls(end[:nth]) for nth, message in enumerate(end, 1))]


def _calls(messages: Sequence[MessageRead]) -> set[str]:
    return {call.id for message in messages for call in message.tool_calls if call.is_call}


def _results(messages: Sequence[MessageRead]) -> set[str]:
    return {call.id for message in messages for call in message.tool_calls if call.has_result}
