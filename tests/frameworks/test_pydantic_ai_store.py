"""What our conversation store promises beyond what any of Pydantic AI's does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest
from pydantic_ai import (
    DeferredToolRequests,
    TextPart,
    ToolCallPart,
    UserError,
    UserPromptPart,
)
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationConflict, ConversationEntry
from pydantic_ai.messages import ModelMessage

from chat_persistence import (
    ChatStore,
    Encryption,
    InsufficientPrivilege,
    InvalidInput,
    KeyRing,
    StoreUnavailable,
    UserChats,
    conversation_id_of,
)
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from chat_persistence.selftest.relay import Relay
from tests.frameworks.pydantic_ai_dialogues import answered, asked, begun, loaded
from tests.roles import new_walled_database

SAID = "xylophone quagmire"
"""Words that are nowhere else in a row."""


@pytest.fixture
def conversations(chat: UserChats) -> ChatConversationStore:
    return ChatConversationStore(chat)


@pytest.fixture
def name() -> str:
    """What the framework calls the conversation."""
    return f"trip-{uuid4()}"


def waiting() -> DeferredToolRequests:
    return DeferredToolRequests(approvals=[ToolCallPart("open", {"code": SAID}, "c1")])


def said(messages: list[ModelMessage]) -> list[str]:
    return [
        part.content
        for message in messages
        for part in message.parts
        if isinstance(part, UserPromptPart | TextPart) and isinstance(part.content, str)
    ]


async def say(conversations: ChatConversationStore, name: str, text: str) -> bool:
    """Load, say one thing and save; whether nobody else was faster."""
    conversation = await loaded(conversations, name)
    conversation.messages += [asked(text), answered(text)]
    try:
        await conversations.save(conversation)
    except ConversationConflict:
        return False
    return True


async def test_of_those_who_save_at_once_one_wins_each_round(store: ChatStore, user_id: str, name: str) -> None:
    writers = [ChatConversationStore(store.for_user(user_id)) for _ in range(8)]
    await begun(writers[0], name, asked("Hi"))
    committed: list[str] = []
    for turn in range(5):
        copies = [await loaded(writer, name) for writer in writers]
        for number, copy in enumerate(copies):
            copy.messages.append(asked(f"{turn}.{number}"))
        outcomes = await asyncio.gather(
            *(writer.save(copy) for writer, copy in zip(writers, copies, strict=True)), return_exceptions=True
        )
        won = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, list)]
        assert len(won) == 1
        assert all(isinstance(outcome, list | ConversationConflict) for outcome in outcomes)
        committed.append(f"{turn}.{won[0]}")

    assert said((await loaded(writers[0], name)).messages) == ["Hi", *committed]


async def test_of_those_who_create_branch_and_delete_at_once_one_wins(
    store: ChatStore, user_id: str, name: str
) -> None:
    writers = [ChatConversationStore(store.for_user(user_id)) for _ in range(6)]
    created = await asyncio.gather(*(begun(one, name, asked("Hi")) for one in writers), return_exceptions=True)
    assert sum(isinstance(outcome, Conversation) for outcome in created) == 1
    revision = (await loaded(writers[0], name)).revision

    branched = await asyncio.gather(
        *(one.branch(name, at=0, expected_revision=revision) for one in writers), return_exceptions=True
    )

    assert sum(isinstance(outcome, Conversation) for outcome in branched) == 1
    assert sum(isinstance(outcome, ConversationConflict) for outcome in branched) == 5
    await asyncio.gather(*(one.delete(name) for one in writers))
    assert await writers[0].load(name) is None


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_a_save_that_is_cancelled_is_stored_whole_or_not_at_all(
    store: ChatStore, user_id: str, name: str, steps: int
) -> None:
    conversations = ChatConversationStore(store.for_user(user_id))
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"), asked("Rome"))
    entries = await conversations.load_entries(name)
    assert entries is not None
    rewritten = Conversation(
        messages=[asked("Hi again"), answered("Hello")], conversation_id=name, revision=conversation.revision
    )

    saving = asyncio.create_task(conversations.save(rewritten))
    for _ in range(steps):
        await asyncio.sleep(0)
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)
    await asyncio.sleep(0.05)

    after = await loaded(conversations, name)
    record = await conversations.read_record(name)
    assert record is not None
    assert (said(after.messages), record.branches) in (
        (["Hi", "Hello", "Rome"], []),
        (["Hi again", "Hello"], [entries[-1].id]),
    )
    assert await say(conversations, name, "And on")


async def test_thousands_of_messages_are_saved_read_branched_and_forked(
    conversations: ChatConversationStore, name: str
) -> None:
    messages: list[ModelMessage] = [asked(str(number)) for number in range(2_100)]
    conversation = await begun(conversations, name, *messages)

    entries = await conversations.load_entries(name)
    assert entries is not None
    assert [entry.message for entry in entries] == messages
    assert await conversations.load_entries(name, limit=1_000) == entries[-1_000:]
    assert await conversations.load_entries(name, limit=1_500) == entries[-1_500:]
    branched = await conversations.branch(name, at=2_050, expected_revision=conversation.revision)
    assert branched.messages == messages[:2_050]
    fork = await conversations.fork(name, from_entry=entries[-1].id)
    assert fork.messages == messages
    assert await conversations.read_history(entries[-1].id) == entries


async def test_a_window_that_is_saved_goes_on_with_the_whole_history(
    conversations: ChatConversationStore, name: str
) -> None:
    await begun(conversations, name, asked("1"), answered("2"), asked("3"))
    window = await loaded(conversations, name, limit=1)
    window.messages.append(answered("4"))
    await conversations.save(window)

    assert said((await loaded(conversations, name)).messages) == ["1", "2", "3", "4"]


async def test_the_scope_is_the_user_and_no_other(
    conversations: ChatConversationStore, user_id: str, name: str
) -> None:
    conversation = Conversation(messages=[asked("Hi")], conversation_id=name)
    with pytest.raises(UserError, match="one user's"):
        await conversations.save(conversation, scope="somebody else")
    await conversations.save(conversation, scope=user_id)

    assert await conversations.load(name, scope="somebody else") is None
    assert await conversations.list_conversations(scope="somebody else") == []
    with pytest.raises(UserError, match="one user's"):
        await conversations.fork(name, scope="somebody else")


async def test_two_users_have_conversations_of_one_name(store: ChatStore, name: str) -> None:
    ada, eve = (ChatConversationStore(store.for_user(f"{who}-{uuid4()}")) for who in ("ada", "eve"))
    await begun(ada, name, asked("Ada's"))
    await begun(eve, name, asked("Eve's"))
    entries = await ada.load_entries(name)
    assert entries is not None

    assert said((await loaded(eve, name)).messages) == ["Eve's"]
    with pytest.raises(LookupError):
        await eve.read_entry(entries[0].id)
    with pytest.raises(LookupError):
        await eve.read_history(entries[0].id)


async def test_what_is_no_id_of_an_entry_is_none(conversations: ChatConversationStore, name: str) -> None:
    for no_entry in ("", "x", f"{uuid4()}/x", str(uuid4())):
        with pytest.raises(LookupError):
            await conversations.read_entry(no_entry)
    await begun(conversations, name, asked("Hi"))
    record = await conversations.read_record(name)
    assert record is not None
    with pytest.raises(ConversationConflict):
        await conversations.write_record(
            replace(record, head_id=str(uuid4()), revision="2"), expected_revision=record.revision
        )


async def test_an_entry_by_an_id_that_is_no_uuid_is_refused(conversations: ChatConversationStore, name: str) -> None:
    conversation = await begun(conversations, name, asked("Hi"))
    record = await conversations.read_record(name)
    assert record is not None
    entry = ConversationEntry(id="mine", parent_id=record.head_id, message=answered("Hello"))
    with pytest.raises(InvalidInput, match="UUID"):
        await conversations.write_record(
            replace(record, head_id="mine", revision="2"), new_entries=[entry], expected_revision=conversation.revision
        )


async def test_deferred_requests_need_a_message_to_be_stored_with(
    conversations: ChatConversationStore, name: str
) -> None:
    with pytest.raises(UserError, match="with a message"):
        await conversations.save(Conversation(conversation_id=name, deferred_tool_requests=waiting()))


async def test_deferred_requests_that_are_no_json_are_refused(conversations: ChatConversationStore, name: str) -> None:
    requests = DeferredToolRequests(metadata={"c1": {"reason": object()}})
    with pytest.raises(InvalidInput, match="deferred_tool_requests"):
        await begun(conversations, name, asked("Open it"), requests=requests)


async def test_deferred_requests_that_come_after_their_message_keep_its_entry(
    conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Open it"))
    entries = await conversations.load_entries(name)
    conversation.deferred_tool_requests = waiting()
    await conversations.save(conversation)

    assert (await loaded(conversations, name)).deferred_tool_requests == waiting()
    assert await conversations.load_entries(name) == entries
    (record,) = await conversations.list_conversations()
    assert record.deferred_tool_requests == waiting()


async def test_a_fork_is_erased_apart_from_what_it_was_made_of(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"))
    await conversations.branch(name, at=1, expected_revision=conversation.revision)
    fork = await conversations.fork(name)
    await conversations.delete(name)

    assert said((await loaded(conversations, fork.conversation_id)).messages) == ["Hi"]
    assert (await chat.conversations.page(archived=True)).items == []
    await conversations.delete(fork.conversation_id)
    assert (await chat.usage()).messages == 0


async def test_going_back_and_forth_keeps_each_branch_once(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"))
    for _ in range(3):
        record = await conversations.read_record(name)
        assert record is not None
        await conversations.branch(name, at=1, expected_revision=record.revision)
        record = await conversations.read_record(name)
        assert record is not None
        await conversations.branch(name, from_entry=record.branches[0], expected_revision=record.revision)

    assert len((await chat.conversations.page(archived=True)).items) == 1
    assert (await loaded(conversations, name)).messages == conversation.messages


async def test_a_fork_by_the_name_of_one_that_is_gone_has_entries_of_its_own(
    conversations: ChatConversationStore, name: str
) -> None:
    """Its messages are copies of copies that were made for the conversation of that name."""
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"))
    await conversations.branch(name, at=0, expected_revision=conversation.revision)
    record = await conversations.read_record(name)
    assert record is not None
    await conversations.branch(name, from_entry=record.branches[0], expected_revision=record.revision)
    await say(conversations, name, "And on")
    fork = await conversations.fork(name)
    await conversations.delete(name)
    await conversations.fork(fork.conversation_id, new_conversation_id=name)

    entries = await conversations.load_entries(name)
    assert entries is not None
    assert [await conversations.read_entry(entry.id) for entry in entries] == entries


async def test_a_branch_is_no_conversation_of_its_own_to_an_agent(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    await begun(conversations, name, asked("Hi"), answered("Hello"))
    await chat.conversations.rename(conversation_id_of(name), "Rome")
    await conversations.branch(name, at=1, expected_revision=(await loaded(conversations, name)).revision)

    (branch,) = (await chat.conversations.page(archived=True)).items
    assert (branch.title, branch.message_count) == ("Rome", 2)
    assert await conversations.load(str(branch.id)) is None
    await chat.conversations.unarchive(branch.id)
    assert [record.conversation_id for record in await conversations.list_conversations()] == [name]
    with pytest.raises(ConversationConflict):
        await conversations.save(Conversation(messages=[asked("Hi")], conversation_id=str(branch.id)))


@pytest.fixture
async def encrypting(migrated_database: str, user_id: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(migrated_database, encryption=Encryption(KeyRing({"a": b"a" * 32}, "a"))) as store:
        yield store
        await store.for_user(user_id).erase()  # with the key, which no other test's ring opens


async def test_nothing_that_was_said_is_plain_in_a_store_that_encrypts(
    encrypting: ChatStore, connection: "asyncpg.Connection", user_id: str, name: str
) -> None:
    conversations = ChatConversationStore(encrypting.for_user(user_id))
    conversation = await begun(conversations, name, asked(SAID), answered(SAID))
    conversation.deferred_tool_requests = waiting()
    await conversations.save(conversation)
    await conversations.fork(name)
    await conversations.branch(name, at=1, expected_revision=conversation.revision)
    await say(conversations, name, SAID)

    chats = await connection.fetch("SELECT c::text FROM conversations c WHERE user_id = $1", user_id)
    messages = await connection.fetch("SELECT m::text FROM messages m WHERE user_id = $1", user_id)
    written = "".join(row[0] for row in [*chats, *messages])
    assert (len(chats), len(messages)) == (3, 7)
    assert not any(word in written for word in SAID.split())
    assert (await loaded(conversations, name)).messages[0] == conversation.messages[0]


async def test_under_row_level_security_a_branch_takes_the_right_to_rewind(database_url: str, name: str) -> None:
    async with (
        new_walled_database(database_url) as walled,
        ChatStore(walled.application, row_level_security=True) as store,
    ):
        conversations = ChatConversationStore(store.for_user("ada"))
        conversation = await begun(conversations, name, asked("Hi"), answered("Hello"))
        fork = await conversations.fork(name)
        with pytest.raises(InsufficientPrivilege):
            await conversations.branch(name, at=1, expected_revision=conversation.revision)
        owner = await asyncpg.connect(walled.owner)
        await owner.execute(f"GRANT DELETE ON messages TO {walled.application_role}")
        await owner.close()
        await conversations.branch(name, at=1, expected_revision=conversation.revision)
        assert await say(conversations, name, "Rome")
        await conversations.delete(fork.conversation_id)

        assert said((await loaded(conversations, name)).messages) == ["Hi", "Rome", "Rome"]


async def test_an_error_of_the_store_comes_as_it_is(name: str) -> None:
    async with ChatStore("postgresql://nobody@127.0.0.1:1/nowhere", connect_timeout=0.5) as store:
        with pytest.raises(StoreUnavailable):
            await ChatConversationStore(store.for_user("ada")).load(name)


async def test_an_id_that_no_conversation_can_have_is_refused(conversations: ChatConversationStore) -> None:
    with pytest.raises(InvalidInput):
        await conversations.load("x" * 1_001)


async def turns_of(relay: Relay, name: str, conversations: ChatConversationStore) -> dict[str, int]:
    """Return how many round trips each call takes, its statements prepared."""
    counted: dict[str, int] = {}
    for _ in range(2):
        conversation = Conversation(messages=[asked("Hi"), answered("Hello")], conversation_id=f"{name}-{uuid4()}")
        counted["save a new one"] = await counting(relay, conversations.save(conversation))
        counted["load"] = await counting(relay, conversations.load(conversation.conversation_id))
        counted["load a window"] = await counting(relay, conversations.load(conversation.conversation_id, limit=1))
        counted["load entries"] = await counting(relay, conversations.load_entries(conversation.conversation_id))
        conversation.messages += [asked("Rome"), answered("Yes")]
        counted["save"] = await counting(relay, conversations.save(conversation))
        counted["save what is saved"] = await counting(relay, conversations.save(conversation))
        counted["list"] = await counting(relay, conversations.list_conversations())
        counted["delete"] = await counting(relay, conversations.delete(conversation.conversation_id))
    return counted


async def counting(relay: Relay, call: Awaitable[object]) -> int:
    before = relay.turns
    await call
    return relay.turns - before


async def test_the_round_trips_are_these(migrated_database: str, user_id: str, name: str) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url, ChatStore(url, pool_size=1) as store:
        counted = await turns_of(relay, name, ChatConversationStore(store.for_user(user_id)))

    assert counted == {
        "save a new one": 2,
        "load": 2,
        "load a window": 2,
        "load entries": 2,
        "save": 2,
        "save what is saved": 2,
        "list": 1,
        "delete": 5,
    }
