"""Pydantic AI's messages come back equal, and read as messages to everybody else."""

from typing import Any

import pytest
from hypothesis import given
from pydantic_ai import (
    BinaryContent,
    DeferredToolRequests,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.conversation import Conversation
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequestPart, ModelResponsePart
from pydantic_ai.usage import RequestUsage

from chat_persistence import InvalidInput, MessageRead, MessageRole, ToolCall, UserChats, conversation_id_of
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from chat_persistence.integrations.pydantic_ai.native import messages_from, natives_of
from tests.frameworks.model_messages import TEXT, model_messages

IMAGE = BinaryContent.narrow_type(BinaryContent(b"\x00\xff\xfe", media_type="image/png"))


async def as_others_read(chat: UserChats, *messages: ModelMessage) -> list[MessageRead]:
    """Save a conversation with these messages, and return what other programs read of it."""
    conversation = Conversation(messages=list(messages))
    await ChatConversationStore(chat).save(conversation)
    return await chat.messages.last(conversation_id_of(conversation.conversation_id), 100)


async def request_as_others_read(chat: UserChats, *parts: ModelRequestPart) -> MessageRead:
    (message,) = await as_others_read(chat, ModelRequest(parts=parts))
    return message


async def response_as_others_read(chat: UserChats, *parts: ModelResponsePart) -> MessageRead:
    (message,) = await as_others_read(chat, ModelResponse(parts=parts))
    return message


def test_a_file_beside_a_lone_surrogate_comes_back_equal() -> None:
    message = ModelRequest(parts=[UserPromptPart(["\ud800", BinaryContent(b"\xff\xff\xfe", media_type="audio/wav")])])

    assert messages_from(natives_of([message])) == [message]


@pytest.mark.parametrize("data", ["A", "é"])
def test_a_file_that_is_damaged_beside_a_lone_surrogate_is_none(data: str) -> None:
    file = {"kind": "binary", "data": data, "media_type": "audio/wav"}
    prompt = {"part_kind": "user-prompt", "content": ["\ud800", file]}

    assert messages_from([{"kind": "request", "parts": [prompt]}]) == [None]


@given(model_messages())
def test_any_message_comes_back_equal_from_its_native(message: ModelMessage) -> None:
    assert messages_from(natives_of([message])) == [message]


# Of Pydantic AI's own JSON, pydantic 2.12.0 warns.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@given(model_messages(TEXT))
def test_what_unicode_has_is_written_as_their_own_json(message: ModelMessage) -> None:
    assert messages_from(natives_of([message])) == ModelMessagesTypeAdapter.validate_json(
        ModelMessagesTypeAdapter.dump_json([message])
    )


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize("metadata", [object(), {"a": {"\ud800": 1}}, nested(300)])
async def test_what_is_no_json_is_refused_by_its_place(chat: UserChats, metadata: Any) -> None:
    answer = ToolReturnPart("look", 1, "c1", metadata=metadata)

    with pytest.raises(InvalidInput) as refused:
        await as_others_read(chat, ModelRequest(parts=[UserPromptPart("Look")]), ModelRequest(parts=[answer]))
    assert refused.value.field == "new_entries[1].message"


async def test_a_call_to_wait_for_that_is_no_json_is_refused(chat: UserChats) -> None:
    requests = DeferredToolRequests(approvals=[ToolCallPart("open", {"what": object()}, "c1")])
    conversation = Conversation(messages=[ModelResponse(parts=[])], deferred_tool_requests=requests)

    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        await ChatConversationStore(chat).save(conversation)


async def test_a_count_of_tokens_that_is_none_is_let_be(chat: UserChats) -> None:
    response = ModelResponse(parts=[TextPart("Hi")], usage=RequestUsage(output_tokens=-1))
    (message,) = await as_others_read(chat, response)

    assert message.token_count is None
    assert messages_from([message.native]) == [response]


def test_a_file_that_is_no_base64_is_no_message_of_theirs() -> None:
    (native,) = natives_of([ModelRequest(parts=[UserPromptPart(["\ud800", IMAGE])])])
    native["parts"][0]["content"][1]["data"] = "A"

    assert messages_from([native]) == [None]


async def test_messages_of_all_kinds_come_back_from_the_database(chat: UserChats) -> None:
    sent: list[ModelMessage] = [
        ModelRequest(
            parts=[SystemPromptPart("Be brief."), UserPromptPart(["What is \x00 this\ud800?", IMAGE])],
            instructions="Be kind.",
        ),
        ModelResponse(
            parts=[ThinkingPart("Hm.", signature="c2ln", provider_name="anthropic"), ToolCallPart("look", "{", "c1")],
            usage=RequestUsage(output_tokens=7),
            model_name="test",
        ),
        ModelRequest(parts=[ToolReturnPart("look", [IMAGE, {"a": None}], "c1", outcome="failed")]),
        ModelResponse(parts=[TextPart("A dot.")]),
    ]
    conversation = Conversation(messages=list(sent))
    await ChatConversationStore(chat).save(conversation)

    loaded = await ChatConversationStore(chat).load(conversation.conversation_id)

    assert loaded is not None
    assert loaded.messages == sent


async def test_a_prompt_is_what_the_person_says(chat: UserChats) -> None:
    message = await request_as_others_read(
        chat,
        SystemPromptPart("Never say no."),
        UserPromptPart(["A train", IMAGE, ImageUrl("https://example.org/rome.png"), "to Rome"]),
    )

    assert (message.role, message.content, message.tool_calls) == (MessageRole.USER, "A train\nto Rome", [])


async def test_a_response_is_its_text_and_its_calls(chat: UserChats) -> None:
    message = await response_as_others_read(
        chat,
        ThinkingPart("Secret."),
        TextPart("I look."),
        ToolCallPart("trains", '{"to":"Rome"', "c1"),
        ToolCallPart("buses", {"to": "Rome"}, "c2"),
    )

    assert (message.role, message.content) == (MessageRole.ASSISTANT, "I look.")
    assert message.tool_calls == [
        ToolCall("c1", "trains", '{"to":"Rome"'),
        ToolCall("c2", "buses", '{"to": "Rome"}'),
    ]


async def test_what_a_provider_ran_has_its_result_beside_it(chat: UserChats) -> None:
    message = await response_as_others_read(
        chat,
        NativeToolCallPart("web_search", {"query": "Rome"}, "s1"),
        NativeToolReturnPart("web_search", {"status": "completed"}, "s1"),
    )

    assert message.tool_calls == [ToolCall("s1", "web_search", '{"query": "Rome"}', {"status": "completed"})]


async def test_results_of_tools_are_the_runtimes(chat: UserChats) -> None:
    message = await request_as_others_read(
        chat,
        ToolReturnPart("trains", {"at": "9:05"}, "c1"),
        ToolReturnPart("buses", "no such city", "c2", outcome="retried"),
    )

    assert (message.role, message.content) == (MessageRole.ASSISTANT, "")
    assert message.tool_calls == [
        ToolCall("c1", result={"at": "9:05"}),
        ToolCall("c2", result="no such city", is_error=True),
    ]


async def test_the_data_of_a_file_are_stored_once(chat: UserChats) -> None:
    message = await request_as_others_read(chat, ToolReturnPart("draw", [IMAGE], "c1"))

    (drawn,) = message.tool_calls[0].result
    assert "data" not in drawn
    assert message.native["parts"][0]["content"][0] == {**drawn, "data": "AP_-"}


async def test_a_call_that_no_tool_call_can_be_is_in_native_alone(chat: UserChats) -> None:
    message = await response_as_others_read(chat, ToolCallPart("look\x00", "{}", "c1"), ToolCallPart("look", "{}", ""))

    assert message.tool_calls == []
    assert [part["tool_name"] for part in message.native["parts"]] == ["look\x00", "look"]


async def test_a_response_counts_its_tokens_and_names_its_model(chat: UserChats) -> None:
    (message,) = await as_others_read(
        chat,
        ModelResponse(
            parts=[TextPart("Yes.")],
            usage=RequestUsage(input_tokens=90, output_tokens=3),
            model_name="m-1",
            provider_name="acme",
            finish_reason="stop",
        ),
    )

    assert message.token_count == 3
    assert message.metadata == {"model": "m-1", "provider": "acme", "finish_reason": "stop"}
