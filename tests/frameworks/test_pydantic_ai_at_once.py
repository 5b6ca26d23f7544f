"""What an agent finds when a conversation becomes another one while it looks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from pydantic_ai import DeferredToolRequests, ModelRequest, ToolCallPart, UserPromptPart
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationConflict, ConversationEntry, ConversationRecord
from sqlalchemy import text

from chat_persistence import ChatStore, UnitOfWork, UserChats, conversation_id_of
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from chat_persistence.integrations.pydantic_ai.appending import copy_of, moved


@pytest.fixture
def conversations(chat: UserChats) -> ChatConversationStore:
    return ChatConversationStore(chat)


@pytest.fixture
def name() -> str:
    """What the framework calls the conversation."""
    return f"trip-{uuid4()}"


@pytest.fixture
async def saved(conversations: ChatConversationStore, name: str) -> Conversation:
    """A conversation of three messages."""
    asked = [ModelRequest(parts=[UserPromptPart(said)]) for said in ("one", "two", "three")]
    conversation = Conversation(messages=[*asked], conversation_id=name)
    await conversations.save(conversation)
    return conversation


async def test_no_tools_are_waited_for_where_the_messages_are_gone(
    chat: UserChats, conversations: ChatConversationStore, saved: Conversation, name: str
) -> None:
    record = await conversations.read_record(name)
    assert record is not None
    requests = DeferredToolRequests(approvals=[ToolCallPart("open", {}, "c1")])

    await chat.conversations.delete(conversation_id_of(name))
    with pytest.raises(ConversationConflict):
        await conversations.write_record(
            replace(record, deferred_tool_requests=requests, revision="next"), expected_revision=saved.revision
        )


async def test_a_write_that_is_repeated_after_its_entries_were_left_is_a_conflict(
    conversations: ChatConversationStore, saved: Conversation, name: str
) -> None:
    record = await conversations.read_record(name)
    assert record is not None
    entry = ConversationEntry(parent_id=record.head_id, message=saved.messages[0])
    written = replace(record, head_id=entry.id, revision="next")
    await conversations.write_record(written, new_entries=[entry], expected_revision=saved.revision)
    await conversations.branch(name, at=1, expected_revision="next")

    with pytest.raises(ConversationConflict):
        await conversations.write_record(written, new_entries=[entry], expected_revision=saved.revision)


@pytest.mark.usefixtures("saved")
async def test_a_fork_of_what_goes_meanwhile_is_none(
    store: ChatStore, user_id: str, conversations: ChatConversationStore, name: str
) -> None:
    fork = await record_of_fork(conversations, name)
    async with locked_conversations(store, user_id) as work:
        forking = asyncio.create_task(conversations.write_record(fork, expected_revision=None))
        await until_somebody_waits(work)
        await work.messages.rewind(conversation_id_of(name), 1)

    with pytest.raises(ConversationConflict):
        await forking
    assert await conversations.load("fork") is None


async def test_a_fork_of_what_is_moved_into_a_branch_meanwhile_has_all_of_it(
    store: ChatStore, user_id: str, conversations: ChatConversationStore, saved: Conversation, name: str
) -> None:
    fork = await record_of_fork(conversations, name)
    async with locked_conversations(store, user_id) as work:
        forking = asyncio.create_task(conversations.write_record(fork, expected_revision=None))
        await until_somebody_waits(work)
        await move_newest(work, conversation_id_of(name))
    await forking

    assert [entry.message for entry in await conversations.load_entries("fork") or []] == saved.messages


async def record_of_fork(conversations: ChatConversationStore, name: str) -> ConversationRecord:
    record = await conversations.read_record(name)
    assert record is not None
    return replace(record, conversation_id="fork", forked_from=name, forked_at=record.head_id, revision="first")


@asynccontextmanager
async def locked_conversations(store: ChatStore, user_id: str) -> AsyncIterator[UnitOfWork]:
    """Let nobody else read or write a conversation; messages alone may be read."""
    async with store.unit_of_work(user_id) as work:
        await work.session.execute(text("LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE"))
        yield work


async def until_somebody_waits(work: UnitOfWork) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(5):
        while not (await work.session.execute(waiting)).scalar_one():
            await asyncio.sleep(0.01)


async def move_newest(work: UnitOfWork, conversation_id: UUID) -> None:
    """Have the newest message in another conversation, behind copies of the others, as when it is left for a branch."""
    *others, newest = await work.messages.last(conversation_id)
    await work.messages.rewind(conversation_id, newest.position - 1)
    branch = await work.conversations.create()
    copies = [copy_of(row) for row in others]
    await work.messages.append(branch.id, *copies, moved(newest))
