"""Two conversation stores that are told the same: what they answer is compared, up to the ids that each gives."""

from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import (
    DeferredToolRequests,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    UserError,
    UserPromptPart,
)
from pydantic_ai.conversation import Conversation, ConversationTypeAdapter
from pydantic_ai.conversation_store import ConversationEntry, ConversationRecord, ConversationStore
from pydantic_ai.messages import ModelMessage
from pydantic_ai.usage import RunUsage

STRANGER = "eve"
NAMES = ("trip", "00000000-0000-7000-8000-000000000001", "été 🌍", "fork", "other fork")
HANDLES = 3
MOMENT = datetime(2026, 5, 4, tzinfo=UTC)


@dataclass
class Both:
    """One conversation as a program has it in its hands, of each store."""

    ours: Conversation
    theirs: Conversation

    def change(self, change: Callable[[Conversation], object]) -> None:
        change(self.ours)
        change(self.theirs)


@dataclass(frozen=True)
class Step:
    """What is done, by which handle, to which name; the numbers choose what else there is to choose."""

    what: str
    handle: int
    name: int
    number: int
    other: int


@dataclass
class Told:
    """What an entry is called here and there; a fork's entries are copies here, and the same ones there."""

    theirs_of: dict[str, str] = field(default_factory=dict)
    known: dict[str, dict[str, str]] = field(default_factory=dict)  # by the conversation's name: theirs to ours

    def same_entry(self, ours: str | None, theirs: str | None) -> bool:
        if ours is None or theirs is None:
            return ours is theirs
        return self.theirs_of.setdefault(ours, theirs) == theirs

    def same(self, name: str, ours: str | None, theirs: str | None) -> bool:
        if ours is None or theirs is None:
            return ours is theirs
        return self.same_entry(ours, theirs) and self.known.setdefault(name, {}).setdefault(theirs, ours) == ours


class TwoStores:
    """A program that holds a few conversations, and does everything twice."""

    def __init__(self, ours: Sequence[ConversationStore], theirs: ConversationStore, user_id: str) -> None:
        self._processes = ours
        self._theirs = theirs
        self._user_id = user_id
        self._handles: dict[int, Both] = {}
        self._told = Told()
        self._count = 0

    async def take(self, step: Step) -> None:
        """Take one step in both, and compare what came of it."""
        self._count += 1
        await getattr(self, f"_{step.what}")(step)

    async def compare_all(self) -> None:
        """Compare all that is stored, every branch and every entry in it included."""
        for name in NAMES:
            ours, theirs = await self._ours.read_record(name), await self._theirs.read_record(name)
            assert (ours is None) == (theirs is None), name
            if ours is not None and theirs is not None:
                self._same_record(ours, theirs)
                for tip, other in zip([ours.head_id, *ours.branches], [theirs.head_id, *theirs.branches], strict=True):
                    entries = await self._ours.read_history(tip)
                    self._same_entries(name, entries, await self._theirs.read_history(other))
                    for entry in entries:
                        assert await self._ours.read_entry(entry.id) == entry

    @property
    def _ours(self) -> ConversationStore:
        return self._processes[self._count % len(self._processes)]

    async def _new(self, step: Step) -> None:
        name = NAMES[step.name]
        self._handles[step.handle] = Both(Conversation(conversation_id=name), Conversation(conversation_id=name))

    async def _load(self, step: Step) -> None:
        name, limit, scope = NAMES[step.name], self._limit(step), self._scope(step)
        await self._hold(
            step,
            self._ours.load(name, limit=limit, scope=scope),
            self._theirs.load(name, limit=limit, scope=scope),
        )

    async def _load_entries(self, step: Step) -> None:
        name, limit, scope = NAMES[step.name], self._limit(step), self._scope(step)
        ours = await told(self._ours.load_entries(name, limit=limit, scope=scope))
        theirs = await told(self._theirs.load_entries(name, limit=limit, scope=scope))
        self._same_answer(name, ours, theirs)

    async def _say(self, step: Step) -> None:
        if (held := self._handles.get(step.handle)) is not None:
            message = self._message(step)
            held.change(lambda conversation: conversation.messages.append(deepcopy(message)))

    async def _turn(self, step: Step) -> None:
        """Load, say a few things, perhaps wait for a tool, and save."""
        await self._load(replace(step, number=0, other=0))
        if step.handle not in self._handles:
            await self._new(step)
        for more in range(step.number % 4):
            await self._say(replace(step, number=step.number + more))
        if step.other % 2:
            await self._defer(step)
        await self._save(replace(step, number=3, other=0))

    async def _back(self, step: Step) -> None:
        """Go to one of the branches that were left, and perhaps say something there."""
        name = NAMES[step.name]
        ours, theirs = await self._ours.read_record(name), await self._theirs.read_record(name)
        if ours is None or theirs is None or not theirs.branches:
            return
        tip = step.number % len(theirs.branches)
        await self._hold(
            step,
            self._ours.branch(name, from_entry=ours.branches[tip], expected_revision=ours.revision),
            self._theirs.branch(name, from_entry=theirs.branches[tip], expected_revision=theirs.revision),
        )
        if step.other % 2:
            await self._say(step)
            await self._save(replace(step, number=3, other=0))

    async def _edit(self, step: Step) -> None:
        held = self._handles.get(step.handle)
        if held is not None and held.ours.messages:
            place, message = step.number % len(held.ours.messages), self._message(step)
            held.change(lambda conversation: conversation.messages.__setitem__(place, deepcopy(message)))

    async def _cut(self, step: Step) -> None:
        if (held := self._handles.get(step.handle)) is not None:
            held.change(lambda conversation: conversation.messages.__delitem__(slice(step.number, None)))

    async def _trim(self, step: Step) -> None:
        if (held := self._handles.get(step.handle)) is not None:
            held.change(lambda conversation: conversation.messages.__delitem__(slice(0, step.number)))

    async def _serialize(self, step: Step) -> None:
        if (held := self._handles.get(step.handle)) is not None:
            self._handles[step.handle] = Both(*map(deserialized, (held.ours, held.theirs)))

    async def _copy(self, step: Step) -> None:
        if (held := self._handles.get(step.handle)) is not None:
            self._handles[step.number % HANDLES] = deepcopy(held)

    async def _use(self, step: Step) -> None:
        if (held := self._handles.get(step.handle)) is not None:
            usage = RunUsage(requests=1, output_tokens=step.number, details={"thought": step.other})
            held.change(lambda conversation: conversation.usage.incr(usage))

    async def _defer(self, step: Step) -> None:
        if (held := self._handles.get(step.handle)) is not None:
            requests = None
            if step.number:
                call = ToolCallPart("ask", {"secret": self._count if step.other else 0}, "c1")
                requests = DeferredToolRequests(approvals=[call], metadata={"c1": {"reason": None}})
            held.change(lambda conversation: setattr(conversation, "deferred_tool_requests", deepcopy(requests)))

    async def _save(self, step: Step) -> None:
        held = self._handles.get(step.handle)
        if held is None:
            return
        name = held.ours.conversation_id
        if not held.ours.messages:
            # Requests without any message have no place with us.
            held.change(lambda conversation: setattr(conversation, "deferred_tool_requests", None))
        scope = self._scope(step)
        if scope == STRANGER and await self._theirs.read_record(name) is None:
            scope = None
        ours = await told(self._ours.save(held.ours, scope=scope))
        theirs = await told(self._theirs.save(held.theirs, scope=scope or self._user_id))
        self._same_answer(name, ours, theirs)

    async def _branch(self, step: Step) -> None:
        name, scope = NAMES[step.name], self._scope(step)
        held = self._handles.get(step.handle)
        here, there = self._from(name, step)
        fresh = await self._ours.read_record(name), await self._theirs.read_record(name)
        revisions = [record.revision if record is not None else None for record in fresh]
        if held is not None and step.other % 3 == 0:
            revisions = [held.ours.revision, held.theirs.revision]
        await self._hold(
            step,
            self._ours.branch(name, **here, expected_revision=revisions[0], scope=scope),
            self._theirs.branch(name, **there, expected_revision=revisions[1], scope=scope),
        )

    async def _fork(self, step: Step) -> None:
        name, new, scope = NAMES[step.name], NAMES[step.other % len(NAMES)], self._scope(step)
        here, there = self._from(name, step)
        if step.other % 2:
            here, there = {}, {}
        await self._hold(
            step,
            self._ours.fork(name, **here, new_conversation_id=new, source_scope=scope),
            self._theirs.fork(name, **there, new_conversation_id=new, source_scope=scope),
        )

    async def _list(self, step: Step) -> None:
        limit, scope = self._limit(step), self._scope(step)
        ours = await told(self._ours.list_conversations(limit=limit, scope=scope))
        theirs = await told(self._theirs.list_conversations(limit=limit, scope=scope))
        if isinstance(ours, str) or isinstance(theirs, str):
            assert ours == theirs
            return
        for here, there in zip(ours, theirs, strict=True):
            self._same_record(here, there)

    async def _delete(self, step: Step) -> None:
        name, scope = NAMES[step.name], self._scope(step)
        await self._ours.delete(name, scope=scope)
        await self._theirs.delete(name, scope=scope)
        if await self._theirs.read_record(name) is None:
            self._told.known.pop(name, None)

    async def _hold(
        self, step: Step, ours: Awaitable[Conversation | None], theirs: Awaitable[Conversation | None]
    ) -> None:
        here, there = await told(ours), await told(theirs)
        if isinstance(here, Conversation) and isinstance(there, Conversation):
            same_conversation(here, there)
            self._handles[step.handle] = Both(here, there)
        else:
            assert here == there

    def _limit(self, step: Step) -> int | None:
        return step.number - 1 if step.other % 2 else None

    def _scope(self, step: Step) -> str | None:
        return {0: self._user_id, 1: STRANGER}.get((step.number + step.other) % 7)

    def _message(self, step: Step) -> ModelMessage:
        text = f"{self._count if step.other % 4 else 'again'}"
        if step.number % 2:
            return ModelResponse(parts=[TextPart(text)], timestamp=MOMENT)
        return ModelRequest(parts=[UserPromptPart(text, timestamp=MOMENT)])

    def _from(self, name: str, step: Step) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return where to branch: at a number, or from an entry that is or was in the conversation, or from none."""
        known = sorted(self._told.known.get(name, {}).items(), key=lambda pair: pair[0])
        if step.number % 3 == 0 or not known:
            at = step.other // 2
            return {"at": at}, {"at": at}
        theirs, ours = known[(step.number * 7 + step.other) % len(known)]
        return {"from_entry": ours}, {"from_entry": theirs}

    def _same_answer(
        self, name: str, ours: str | list[ConversationEntry] | None, theirs: str | list[ConversationEntry] | None
    ) -> None:
        if isinstance(ours, list) and isinstance(theirs, list):
            self._same_entries(name, ours, theirs)
        else:
            assert ours == theirs

    def _same_entries(self, name: str, ours: Sequence[ConversationEntry], theirs: Sequence[ConversationEntry]) -> None:
        assert [entry.message for entry in ours] == [entry.message for entry in theirs]
        for here, there in zip(ours, theirs, strict=True):
            assert self._told.same(name, here.id, there.id)
            assert self._told.same(name, here.parent_id, there.parent_id)

    def _same_record(self, ours: ConversationRecord, theirs: ConversationRecord) -> None:
        name = ours.conversation_id
        assert name == theirs.conversation_id
        assert self._told.same(name, ours.head_id, theirs.head_id)
        assert len(ours.branches) == len(theirs.branches)
        assert all(self._told.same(name, *pair) for pair in zip(ours.branches, theirs.branches, strict=True))
        assert (ours.usage, ours.deferred_tool_requests) == (theirs.usage, theirs.deferred_tool_requests)
        assert (ours.scope, ours.forked_from) == (theirs.scope, theirs.forked_from)
        assert self._told.same_entry(ours.forked_at, theirs.forked_at)


async def told(answer: Awaitable[Any]) -> Any:
    """Return what was answered, or the name of an error that they promise."""
    try:
        return await answer
    except (UserError, LookupError) as error:
        return type(error).__name__


def same_conversation(ours: Conversation, theirs: Conversation) -> None:
    assert ours.messages == theirs.messages
    assert (ours.usage, ours.deferred_tool_requests) == (theirs.usage, theirs.deferred_tool_requests)
    assert (ours.conversation_id, ours.new_message_index) == (theirs.conversation_id, theirs.new_message_index)


def deserialized(conversation: Conversation) -> Conversation:
    return ConversationTypeAdapter.validate_json(ConversationTypeAdapter.dump_json(conversation))
