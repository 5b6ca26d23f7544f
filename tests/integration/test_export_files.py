"""An export as a file: whole or not there, compressed, gone on with, and in OpenAI's format."""

import gzip
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import (
    ChatStore,
    ConversationLoad,
    ExportProgress,
    InvalidInput,
    MessageCreate,
    ToolCall,
    UserChats,
)
from chat_persistence.transfer import NDJSON, FileSource, OpenAIChat, export_file, import_conversations
from chat_persistence.transfer.formats.openai_export import openai_messages
from chat_persistence.transfer.records import FoundConversation

SIZES = (3, 0, 2)


@pytest.fixture
async def filled(store: ChatStore, user_id: str) -> ChatStore:
    """A store where the user has three conversations."""
    await store.load(
        ConversationLoad(
            user_id=user_id,
            id=UUID(int=number),
            messages=[MessageCreate(role="user", content=f"message {position}") for position in range(size)],
        )
        for number, size in enumerate(SIZES)
    )
    return store


async def test_the_file_is_there_when_it_is_whole(filled: ChatStore, user_id: str, tmp_path: Path) -> None:
    path = tmp_path / "chats.ndjson"
    was_there: list[bool] = []

    exported = await export_file(filled, path, user_id, on_progress=lambda _: was_there.append(path.exists()))

    assert exported == ExportProgress(3, 5, user_id, UUID(int=2))
    assert was_there == [False]
    assert os.listdir(tmp_path) == ["chats.ndjson"]


async def test_what_breaks_off_leaves_no_file_under_its_name(filled: ChatStore, user_id: str, tmp_path: Path) -> None:
    path = tmp_path / "chats.ndjson"
    path.write_text("the one of yesterday")

    with pytest.raises(IndexError):
        await export_file(filled, path, user_id, on_progress=lambda _: [].pop())

    assert path.read_text() == "the one of yesterday"


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_wherever_one_was_cut_off_it_is_gone_on_with_to_the_same_file(
    filled: ChatStore, user_id: str, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "chats.ndjson"
    partial = tmp_path / "chats.ndjson.partial"
    await export_file(filled, path, user_id)
    whole = path.read_bytes()
    partial.write_bytes(
        whole[: data.draw(st.integers(0, len(whole)))]
        + data.draw(st.binary(max_size=2).map(lambda torn: torn.replace(b"\n", b"\0")))
    )

    exported = await export_file(filled, path, user_id, resume=True)

    assert path.read_bytes() == whole
    assert (exported.conversations, exported.messages, partial.exists()) == (3, 5, False)


async def test_what_somebody_elses_export_has_left_is_not_gone_on_with(
    filled: ChatStore, user_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "chats.ndjson"
    await export_file(filled, path, user_id)
    path.rename(tmp_path / "chats.ndjson.partial")

    with pytest.raises(InvalidInput) as caught:
        await export_file(filled, path, f"{user_id}-else", resume=True)

    assert caught.value.field == "resume"
    assert user_id not in str(caught.value)


async def test_with_nothing_to_go_on_with_it_begins(filled: ChatStore, user_id: str, tmp_path: Path) -> None:
    assert (await export_file(filled, tmp_path / "chats", user_id, resume=True)).conversations == 3


@pytest.mark.parametrize(("name", "format"), [("chats.ndjson.gz", "ndjson"), ("chats.jsonl", "openai")])
async def test_only_lines_as_they_are_can_be_gone_on_with(
    store: ChatStore, tmp_path: Path, name: str, format: Any
) -> None:
    with pytest.raises(InvalidInput):
        await export_file(store, tmp_path / name, format=format, resume=True)


async def test_a_compressed_one_holds_the_same_and_is_imported_as_it_is(
    filled: ChatStore, user_id: str, tmp_path: Path
) -> None:
    plain, packed, again = (tmp_path / name for name in ("chats", "chats.gz", "again.gz"))
    for path in (plain, packed, again):
        await export_file(filled, path, user_id)

    report = await import_conversations(filled, FileSource(packed, NDJSON()))

    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert packed.read_bytes() == again.read_bytes()
    assert (report.conversations_present, report.bad) == (3, ())


async def test_a_file_that_cannot_be_written_is_named(filled: ChatStore, user_id: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        await export_file(filled, tmp_path / "not there" / "chats", user_id)

    assert caught.value.field == "path"


TURN: list[tuple[MessageCreate, list[dict[str, Any]]]] = [
    (MessageCreate(role="user", content="Hi"), [{"role": "user", "content": "Hi"}]),
    (
        MessageCreate(
            role="assistant", native={"role": "developer", "content": [{"type": "text", "text": "Be brief"}]}
        ),
        [{"role": "developer", "content": "Be brief"}],
    ),
    (
        MessageCreate(role="assistant", content="Be kind", native={"role": "system", "content": "…"}),
        [{"role": "system", "content": "Be kind"}],
    ),
    (
        MessageCreate(role="assistant", content="I look", tool_calls=[ToolCall("c1", "find", '{"to":"Rome"}')]),
        [
            {
                "role": "assistant",
                "content": "I look",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"to":"Rome"}'}}
                ],
            }
        ],
    ),
    (
        MessageCreate(role="assistant", tool_calls=[ToolCall("c1", result={"seat": "12Ä"})]),
        [{"role": "tool", "tool_call_id": "c1", "content": '{"seat": "12Ä"}'}],
    ),
    (
        MessageCreate(role="assistant", content="Booked.", tool_calls=[ToolCall("c2", "book", result="12A")]),
        [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c2", "type": "function", "function": {"name": "book", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c2", "content": "12A"},
            {"role": "assistant", "content": "Booked."},
        ],
    ),
    (MessageCreate(role="assistant", native={"type": "reasoning"}), []),
]


@pytest.mark.parametrize(("message", "items"), TURN)
def test_a_message_is_what_openai_takes(message: MessageCreate, items: list[dict[str, Any]]) -> None:
    conversation = ConversationLoad(user_id="ada", id=uuid4(), messages=[message])

    assert openai_messages(conversation) == items


async def test_a_line_of_openai_is_a_conversation_that_says_something(
    store: ChatStore, user_id: str, chat: UserChats, tmp_path: Path
) -> None:
    path = tmp_path / "chats.jsonl"
    await chat.conversations.create()
    for number in range(2):
        await chat.messages.append(
            UUID(int=number), *(each.model_copy(update={"id": uuid4()}) for each, _ in TURN), create_conversation=True
        )
    await chat.messages.append(UUID(int=3), MessageCreate(role="user", content="\ud800"), create_conversation=True)

    await export_file(store, path, user_id, format="openai")

    first, second, third = (json.loads(line) for line in path.read_bytes().splitlines())
    assert first == second == {"messages": [item for _, items in TURN for item in items]}
    assert third == {"messages": [{"role": "user", "content": "\ud800"}]}


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufdd0"), min_size=1, max_size=20)
turns = st.lists(
    st.builds(
        lambda asked, called, answered: [
            MessageCreate(role="user", content=asked),
            *(
                [
                    MessageCreate(role="assistant", tool_calls=[ToolCall("c1", "find", "{}")]),
                    MessageCreate(role="assistant", tool_calls=[ToolCall("c1", result=called)]),
                ]
                if called
                else []
            ),
            MessageCreate(role="assistant", content=answered),
        ],
        texts,
        st.none() | texts,
        texts,
    ),
    min_size=1,
    max_size=4,
)


@given(turns=turns)
@settings(max_examples=100, deadline=None)
def test_what_was_said_and_called_is_imported_from_openais_format_again(turns: list[list[MessageCreate]]) -> None:
    messages = [message for turn in turns for message in turn]
    conversation = ConversationLoad(user_id="ada", id=uuid4(), messages=messages)
    line = json.dumps({"messages": openai_messages(conversation)})

    (found,) = OpenAIChat(user_id="ada").records(io.BytesIO(line.encode()))

    assert isinstance(found, FoundConversation)
    assert list(said_in(found.conversation)) == list(said_in(conversation))


def said_in(conversation: ConversationLoad) -> Iterator[tuple[object, ...]]:
    for message in conversation.messages:
        yield message.role, message.content, list(message.tool_calls)
