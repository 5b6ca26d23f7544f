"""One conversation, many programs: an agent reads what others store in it, and they read what the agent says."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic_ai import (
    BinaryContent,
    ImageUrl,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserError,
)
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationConflict
from pydantic_ai.messages import ModelMessage

from chat_persistence import (
    ConversationUpdate,
    MessageCreate,
    MessageRole,
    ToolCall,
    UserChats,
    conversation_id_of,
)
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from chat_persistence.provider_formats import from_anthropic_messages
from tests.frameworks.pydantic_ai_dialogues import answered, asked, begun, loaded


@pytest.fixture
def conversations(chat: UserChats) -> ChatConversationStore:
    return ChatConversationStore(chat)


@pytest.fixture
def name() -> str:
    """What the framework calls the conversation."""
    return f"trip-{uuid4()}"


def by_user(text: str, **given: Any) -> MessageCreate:
    return MessageCreate(role="user", content=text, **given)


def by_assistant(text: str = "", **given: Any) -> MessageCreate:
    return MessageCreate(role="assistant", content=text, **given)


async def read(chat: UserChats, *messages: MessageCreate) -> list[list[Any]]:
    """Store messages by the plain API, and return the parts of each message that an agent is given."""
    conversation = await chat.conversations.create()
    await chat.messages.append(conversation.id, *messages)
    given = await loaded(ChatConversationStore(chat), str(conversation.id))
    return [list(message.parts) for message in given.messages]


async def texts(chat: UserChats, name: str) -> list[str]:
    return [message.content for message in await chat.messages.last(conversation_id_of(name), 1000)]


async def test_an_agent_continues_what_a_host_began(chat: UserChats, conversations: ChatConversationStore) -> None:
    conversation = await chat.conversations.create(metadata={"colour": "blue"})
    await chat.messages.append(conversation.id, by_user("A train to Rome"), by_assistant("When?"))

    given = await loaded(conversations, str(conversation.id))
    given.messages.append(asked("Tomorrow"))
    await conversations.save(given)

    assert await texts(chat, str(conversation.id)) == ["A train to Rome", "When?", "Tomorrow"]
    assert (await chat.conversations.get(conversation.id)).metadata["colour"] == "blue"


async def test_what_a_host_adds_is_a_conflict_and_then_part_of_the_history(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"))
    await chat.messages.append(conversation_id_of(name), by_user("By the way"))

    conversation.messages.append(asked("Now?"))
    with pytest.raises(ConversationConflict):
        await conversations.save(conversation)
    given = await loaded(conversations, name)
    given.messages.append(asked("Now?"))
    await conversations.save(given)

    assert await texts(chat, name) == ["Hi", "Hello", "By the way", "Now?"]


async def test_a_message_that_slips_in_between_look_and_write_is_a_conflict(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Hi"))
    record = await conversations.read_record(name)
    assert record is not None

    await chat.messages.append(conversation_id_of(name), by_user("By the way"))
    with pytest.raises(ConversationConflict):
        await conversations.write_record(replace(record, revision="next"), expected_revision=conversation.revision)


async def test_a_rewind_by_a_host_is_noticed(chat: UserChats, conversations: ChatConversationStore, name: str) -> None:
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"))
    await chat.messages.rewind(conversation_id_of(name), 1)

    with pytest.raises(ConversationConflict):
        await conversations.branch(name, at=1, expected_revision=conversation.revision)
    assert (await loaded(conversations, name)).messages == [asked_as(conversation, 0)]


def asked_as(conversation: Conversation, place: int) -> ModelMessage:
    return conversation.messages[place]


async def test_what_pydantic_ai_left_can_be_branched_to_after_a_rewind_by_a_host(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"), asked("Rome"))
    entries = await conversations.load_entries(name)
    assert entries is not None
    await conversations.branch(name, at=2, expected_revision=conversation.revision)
    await chat.messages.rewind(conversation_id_of(name), 0)

    record = await conversations.read_record(name)
    assert record is not None
    branched = await conversations.branch(name, from_entry=entries[1].id, expected_revision=record.revision)

    assert branched.messages == conversation.messages[:2]
    assert await texts(chat, name) == ["Hi", "Hello"]


async def test_a_branch_that_a_host_deletes_takes_nothing_of_the_present_history(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"))
    (record,) = await conversations.list_conversations()
    await conversations.branch(name, at=1, expected_revision=record.revision)
    (record,) = await conversations.list_conversations()
    await conversations.branch(name, from_entry=record.branches[0], expected_revision=record.revision)

    for branch in (await chat.conversations.page(archived=True)).items:
        await chat.conversations.delete(branch.id)

    assert (await loaded(ChatConversationStore(chat), name)).messages == conversation.messages


async def test_a_branch_that_a_host_deletes_is_forgotten_and_the_others_can_be_branched_to(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    tips = await left(conversations, name, "first", "second", "third")
    (newest, *_) = (await chat.conversations.page(archived=True)).items
    await chat.conversations.delete(newest.id)

    record = await conversations.read_record(name)
    assert record is not None
    await conversations.branch(name, from_entry=tips[0], expected_revision=record.revision)

    assert await texts(chat, name) == ["Hi", "first"]


async def test_a_fork_does_not_fail_by_a_branch_that_a_host_has_deleted(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    tips = await left(conversations, name, "first", "second", "third")
    (newest, *_) = (await chat.conversations.page(archived=True)).items
    await chat.conversations.delete(newest.id)

    await conversations.fork(name, from_entry=tips[0], new_conversation_id=f"{name} again")

    assert await texts(chat, f"{name} again") == ["Hi", "first"]


async def left(conversations: ChatConversationStore, name: str, *said: str) -> list[str]:
    """Say each after the same first message, and leave it; return the entries that were left."""
    conversation = await begun(conversations, name, asked("Hi"))
    for text in said:
        conversation.messages.append(asked(text))
        await conversations.save(conversation)
        conversation = await conversations.branch(name, at=1, expected_revision=conversation.revision)
    record = await conversations.read_record(name)
    assert record is not None
    return record.branches


async def test_what_a_host_said_is_the_same_message_wherever_it_is_kept(
    chat: UserChats, conversations: ChatConversationStore
) -> None:
    conversation = await chat.conversations.create()
    await chat.messages.append(conversation.id, by_user("Hi"))
    await chat.messages.append(conversation.id, by_assistant("Hello"), by_user("Rome"))
    name = str(conversation.id)
    given = await loaded(conversations, name)

    back = await conversations.branch(name, at=1, expected_revision=given.revision)
    entry_id = (await conversations.list_conversations())[0].branches[0]
    there = await conversations.branch(name, from_entry=entry_id, expected_revision=back.revision)
    fork = await conversations.fork(name)

    assert there.messages == given.messages
    assert (await loaded(conversations, name)).messages == given.messages
    assert (await loaded(conversations, fork.conversation_id)).messages == given.messages


async def test_the_hosts_own_fork_of_a_branch_is_a_conversation(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    (tip,) = await left(conversations, name, "first")
    (branch,) = (await chat.conversations.page(archived=True)).items
    fork = await chat.conversations.fork(branch.id, branch.last_position)

    given = await loaded(conversations, str(fork.id))
    given.messages.append(asked("In the fork"))
    (entry,) = await conversations.save(given)

    assert await texts(chat, str(fork.id)) == ["Hi", "first", "In the fork"]
    assert entry.parent_id != tip
    assert str(fork.id) in [record.conversation_id for record in await conversations.list_conversations()]


async def test_the_hosts_own_fork_is_a_conversation_with_entries_of_its_own(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Hi"), answered("Hello"))
    fork = await chat.conversations.fork(conversation_id_of(name), 2)

    given = await loaded(conversations, str(fork.id))
    given.messages.append(asked("In the fork"))
    await conversations.save(given)
    await conversations.delete(str(fork.id))

    assert (await loaded(conversations, name)).messages == conversation.messages


async def test_metadata_that_a_host_replaced_cost_the_usage_and_no_message(
    chat: UserChats, conversations: ChatConversationStore, name: str
) -> None:
    conversation = await begun(conversations, name, asked("Hi"))
    await chat.conversations.update(conversation_id_of(name), ConversationUpdate(metadata={}))

    given = await loaded(conversations, name)
    given.messages.append(answered("Hello"))
    await conversations.save(given)

    assert await texts(chat, name) == ["Hi", "Hello"]
    assert conversation.messages == given.messages[:1]


async def test_a_key_of_metadata_that_is_a_hosts_is_read_over_and_not_written_over(
    chat: UserChats, conversations: ChatConversationStore
) -> None:
    conversation = await chat.conversations.create(metadata={"pydantic_ai": "mine"})

    given = await loaded(conversations, str(conversation.id))
    with pytest.raises(UserError, match="something else"):
        await conversations.save(given)


async def test_a_call_that_was_stored_with_its_result_is_two_messages(chat: UserChats) -> None:
    booked = ToolCall(id="c1", name="book", arguments='{"to": "Rome"}', result={"seat": "12A"})

    prompt, call, result, said = await read(chat, by_user("Book it"), by_assistant("Booked.", tool_calls=[booked]))

    assert prompt[0].content == "Book it"
    assert isinstance(call[0], ToolCallPart)
    assert (call[0].tool_name, call[0].args, call[0].tool_call_id) == ("book", '{"to": "Rome"}', "c1")
    assert isinstance(result[0], ToolReturnPart)
    assert (result[0].tool_name, result[0].content, result[0].outcome) == ("book", {"seat": "12A"}, "success")
    assert said == [TextPart("Booked.")]


async def test_each_of_such_messages_is_an_entry_after_the_one_before(
    chat: UserChats, conversations: ChatConversationStore
) -> None:
    conversation = await chat.conversations.create()
    booked = ToolCall(id="c1", name="book", arguments="{}", result=None)
    stored = await chat.messages.append(conversation.id, by_user("Book it"), by_assistant("Yes.", tool_calls=[booked]))

    entries = await conversations.load_entries(str(conversation.id))

    assert entries is not None
    assert [entry.parent_id for entry in entries] == [None, *(entry.id for entry in entries[:-1])]
    assert entries[-1].id == str(stored[-1].id)
    assert [await conversations.read_entry(entry.id) for entry in entries] == entries
    for limit in range(5):
        assert await conversations.load_entries(str(conversation.id), limit=limit) == entries[len(entries) - limit :]


async def test_a_branch_does_not_cut_what_was_stored_as_one(
    chat: UserChats, conversations: ChatConversationStore
) -> None:
    conversation = await chat.conversations.create()
    booked = ToolCall(id="c1", name="book", arguments="{}", result=None)
    await chat.messages.append(conversation.id, by_user("Book it"), by_assistant(tool_calls=[booked]))
    given = await loaded(conversations, str(conversation.id))

    with pytest.raises(UserError, match="as one message"):
        await conversations.branch(str(conversation.id), at=2, expected_revision=given.revision)
    branched = await conversations.branch(str(conversation.id), at=1, expected_revision=given.revision)

    assert branched.messages == given.messages[:1]


async def test_what_others_stored_is_the_same_in_a_branch(
    chat: UserChats, conversations: ChatConversationStore
) -> None:
    made = await chat.conversations.create()
    calls = [ToolCall(id="c1", name="book", arguments="{}", result=[1])]
    await chat.messages.append(made.id, by_user("Book it"), by_assistant("Yes.", tool_calls=calls), by_user("Thanks"))
    name = str(made.id)
    entries = await conversations.load_entries(name)
    given = await loaded(conversations, name)
    assert entries is not None

    await conversations.branch(name, at=1, expected_revision=given.revision)
    record = await conversations.read_record(name)
    assert record is not None
    assert await conversations.read_history(record.branches[0]) == entries
    await conversations.branch(name, from_entry=record.branches[0], expected_revision=record.revision)
    assert await conversations.load_entries(name) == entries


async def test_a_result_in_a_later_message_has_the_name_of_its_tool(chat: UserChats) -> None:
    *_, result = await read(
        chat,
        by_user("Book it"),
        by_assistant(tool_calls=[ToolCall(id="c1", name="book", arguments="{}")]),
        by_assistant(tool_calls=[ToolCall(id="c1", result="full", is_error=True)]),
    )

    assert (result[0].tool_name, result[0].content, result[0].outcome) == ("book", "full", "failed")


async def test_instructions_and_pictures_of_another_provider_are_read(chat: UserChats) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/rome.png"}}
    drawn = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AP8="}}
    question = {"role": "user", "content": [{"type": "text", "text": "Where is it?"}, picture, drawn]}

    system, prompt = await read(
        chat,
        by_assistant(native={"role": "system", "content": "Be brief."}),
        by_user("Where is it?", native=question),
    )

    assert isinstance(system[0], SystemPromptPart)
    assert system[0].content == "Be brief."
    assert prompt[0].content == [
        "Where is it?",
        ImageUrl("https://example.org/rome.png"),
        BinaryContent.narrow_type(BinaryContent(b"\x00\xff", media_type="image/png")),
    ]


async def test_what_another_providers_model_thought_keeps_its_signature(chat: UserChats) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    used = {"type": "tool_use", "id": "t1", "name": "trains", "input": {"to": "Rome"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "9:05"}
    written = from_anthropic_messages(
        [
            {"role": "assistant", "content": [thought, used]},
            {"role": "user", "content": [result, {"type": "text", "text": "And back?"}]},
        ]
    )

    answer, prompt = await read(chat, *written)

    assert answer == [
        ThinkingPart("Hm.", signature="c2ln", provider_name="anthropic"),
        ToolCallPart("trains", '{"to": "Rome"}', "t1"),
    ]
    assert [(part.part_kind, part.content) for part in prompt] == [
        ("tool-return", "9:05"),
        ("user-prompt", "And back?"),
    ]
    assert prompt[0].tool_name == "trains"


async def test_a_native_that_nobody_knows_is_read_by_what_a_person_reads(chat: UserChats) -> None:
    future = {"kind": "response", "parts": [{"part_kind": "hologram"}]}

    assert await read(chat, by_assistant("Look.", native=future)) == [[TextPart("Look.")]]


async def test_the_same_is_read_each_time(chat: UserChats, conversations: ChatConversationStore) -> None:
    """Else a save would take the history for a rewritten one."""
    conversation = await chat.conversations.create()
    calls = [ToolCall(id="c1", name="book", arguments="{}", result=[1])]
    await chat.messages.append(conversation.id, by_user("Book it"), by_assistant("Yes.", tool_calls=calls))

    given = await loaded(conversations, str(conversation.id))
    given.new_message_index = None

    assert await conversations.save(given) == []
    assert (await chat.conversations.page(archived=True)).items == []


async def test_a_conversation_that_a_host_made_for_it_is_an_agents_own(
    chat: UserChats, conversations: ChatConversationStore
) -> None:
    made = await chat.conversations.create(title="Rome")

    given = await loaded(conversations, str(made.id))
    given.messages.append(asked("Hi"))
    await conversations.save(given)

    found = await chat.conversations.get_with_messages(made.id)
    assert (found.conversation.title, found.messages[0].content) == ("Rome", "Hi")
    assert found.messages[0].role is MessageRole.USER


async def test_what_others_store_is_listed_by_its_id(chat: UserChats, conversations: ChatConversationStore) -> None:
    made = await chat.conversations.create()
    (stored,) = await chat.messages.append(made.id, by_user("Hi"))

    (record,) = await conversations.list_conversations()

    assert (UUID(record.conversation_id), record.head_id) == (made.id, str(stored.id))
