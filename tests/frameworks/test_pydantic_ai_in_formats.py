"""A chat that an agent of Pydantic AI began goes on with any provider, without Pydantic AI."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_ai import (
    Agent,
    AudioUrl,
    BinaryContent,
    DocumentUrl,
    FilePart,
    ImageUrl,
    ModelRequest,
    ModelResponse,
    NativeToolCallPart,
    NativeToolReturnPart,
    RetryFeedbackPart,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UploadedFile,
    UserPromptPart,
    VideoUrl,
)
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationEntry
from pydantic_ai.messages import CompactionPart, ModelMessage, RetryInfo, SpeechPart, StructuredContent, UserContent
from pydantic_ai.models.test import TestModel

from chat_persistence import MessageCreate, UserChats, conversation_id_of
from chat_persistence.integrations.pydantic_ai import ChatConversationStore
from chat_persistence.integrations.pydantic_ai.writing import messages_of
from chat_persistence.provider_formats import instructions_of, to_anthropic_messages, to_openai_responses
from tests.frameworks.held_with_pydantic_ai import held_dialogues, written
from tests.frameworks.model_messages import model_messages
from tests.unit.provider_formats.dialogues import Turn, heard, strings_in, told
from tests.unit.provider_formats.formats import FORMATS, Format

CHAT, RESPONSES, ANTHROPIC, GEMINI, COHERE, VERCEL = FORMATS
EVERYBODY = set(FORMATS)
IN_WORDS = {CHAT, RESPONSES, COHERE, VERCEL}
"""Who have instructions among the messages."""

IMAGE, SOUND = (
    BinaryContent(data, media_type=media_type)
    for data, media_type in [(b"\xff\xff\xfe", "image/png"), (b"~~~", "audio/wav")]
)
PDF, FILM = (BinaryContent(b"\xfb\xff", media_type=media_type) for media_type in ["application/pdf", "video/mp4"])
LOOK = ToolCallPart("look", {"to": "Rome"}, "c1")

often = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def stored(messages: Sequence[ModelMessage]) -> list[MessageCreate]:
    """Return messages as the conversation store writes them."""
    return messages_of([ConversationEntry(id=str(uuid4()), parent_id=None, message=message) for message in messages])


def with_nothing_but_natives(messages: Sequence[ModelMessage]) -> list[MessageCreate]:
    return [MessageCreate(role="assistant", native=message.native) for message in stored(messages)]


def asked(*content: UserContent) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(["This?", *content])])


def looked(content: object) -> list[ModelMessage]:
    return [asked(), ModelResponse(parts=[LOOK]), ModelRequest(parts=[ToolReturnPart("look", content, "c1")])]


def thought(provider: str, id: str | None = None) -> list[ModelMessage]:
    thinking = ThinkingPart("Hm.", id=id, signature="c2ln", provider_name=provider)
    return [asked(), ModelResponse(parts=[thinking, TextPart("Yes.")])]


EXAMPLES: list[tuple[list[ModelMessage], str, set[Format]]] = [
    ([asked()], "This?", EVERYBODY),
    ([asked(IMAGE)], "///+", EVERYBODY),
    ([asked(ImageUrl("https://e.org/a.png"))], "https://e.org/a.png", EVERYBODY),
    ([asked(SOUND)], "fn5+", {CHAT, GEMINI, VERCEL}),
    ([asked(AudioUrl("https://e.org/a.mp3"))], "https://e.org/a.mp3", {GEMINI, VERCEL}),
    ([asked(PDF)], "+/8=", EVERYBODY - {COHERE}),
    ([asked(DocumentUrl("https://e.org/a.pdf"))], "https://e.org/a.pdf", {RESPONSES, ANTHROPIC, GEMINI, VERCEL}),
    ([asked(FILM)], "+/8=", {GEMINI, VERCEL}),
    ([asked(VideoUrl("https://e.org/a.mp4"))], "https://e.org/a.mp4", {GEMINI, VERCEL}),
    ([asked(UploadedFile("file-1", provider_name="openai"))], "file-1", set()),
    ([asked(UploadedFile("gs://b/a", provider_name="google-cloud"))], "gs://b/a", {GEMINI, VERCEL}),
    ([asked(StructuredContent({"seat": "12A"}))], "12A", EVERYBODY),
    ([ModelRequest(parts=[SystemPromptPart("Be brief."), UserPromptPart("Hi")])], "Be brief.", IN_WORDS),
    ([ModelRequest(parts=[UserPromptPart("Hi")], instructions="Be brief.")], "Be brief.", set()),
    (looked({"seat": "12A"}), "12A", EVERYBODY),
    (looked(["Here.", IMAGE]), "Here.", EVERYBODY),
    (looked(["Here.", IMAGE]), "///+", {RESPONSES, ANTHROPIC, GEMINI}),
    (looked(IMAGE), "///+", {RESPONSES, ANTHROPIC, GEMINI}),
    (looked(None), "look", EVERYBODY),
    (thought("anthropic"), "c2ln", {ANTHROPIC, VERCEL}),
    (thought("openai", id="rs_1"), "c2ln", {RESPONSES, VERCEL}),
    (thought("bedrock"), "c2ln", set()),
    (
        [
            asked(),
            ModelResponse(
                parts=[
                    NativeToolCallPart("web_search", {"q": "Rome"}, "s1"),
                    NativeToolReturnPart("web_search", ["A city"], "s1"),
                ]
            ),
        ],
        "A city",
        EVERYBODY,
    ),
    ([asked(), ModelResponse(parts=[FilePart(IMAGE), TextPart("Here.")])], "///+", {GEMINI, VERCEL}),
    ([asked(), ModelResponse(parts=[SpeechPart(speaker="assistant", transcript="Yes.")])], "Yes.", EVERYBODY),
    ([ModelRequest(parts=[SpeechPart(speaker="user", audio=SOUND)])], "fn5+", {CHAT, GEMINI, VERCEL}),
    ([ModelRequest(parts=[CompactionPart("Rome was booked.")])], "Rome was booked.", EVERYBODY),
    (
        [
            asked(),
            ModelResponse(parts=[TextPart("No.")]),
            ModelRequest(parts=[RetryFeedbackPart("Be polite.", retry=RetryInfo(cause="model_retry"))]),
        ],
        "Be polite.",
        EVERYBODY,
    ),
]


@pytest.mark.parametrize("target", FORMATS, ids=str)
@pytest.mark.parametrize(("messages", "text", "takers"), EXAMPLES)
def test_what_a_part_says_is_given_to_those_who_take_it(
    messages: list[ModelMessage], text: str, takers: set[Format], target: Format
) -> None:
    items = target.write(stored(messages))

    target.check(items)
    assert any(text in string for string in strings_in(items)) == (target in takers)


@pytest.mark.parametrize("target", FORMATS, ids=str)
@given(data=st.data(), dialogue=held_dialogues)
@often
def test_a_dialogue_reaches_every_provider(target: Format, data: st.DataObject, dialogue: list[Turn]) -> None:
    """Every text, call, result and image arrives, of natives alone; and the provider takes it."""
    items = target.write(with_nothing_but_natives(data.draw(written(dialogue))))

    target.check(items)
    assert heard(target.read(items)) == told(dialogue)
    arrived = "\n".join(strings_in(items))
    assert all(picture.content in arrived for turn in dialogue for picture in turn.pictures)


@pytest.mark.parametrize("target", FORMATS, ids=str)
@given(messages=st.lists(model_messages(), max_size=4))
@often
def test_any_messages_are_written(target: Format, messages: list[ModelMessage]) -> None:
    assert all(isinstance(item, dict) for item in target.write(stored(messages)))


async def test_a_picture_that_an_agent_was_sent_is_given_to_other_providers(chat: UserChats) -> None:
    conversations = ChatConversationStore(chat)
    conversation = Conversation(conversation_id="trip")
    agent = Agent(TestModel(custom_output_text="Rome."), instructions="Be brief.")
    await conversations.save(await agent.run(["Where is this?", IMAGE], conversation=conversation))

    history = await chat.messages.last(conversation_id_of("trip"))

    (question, _) = to_anthropic_messages(history)
    assert question["content"] == [
        {"type": "text", "text": "Where is this?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "///+"}},
    ]
    assert to_openai_responses(history) == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Where is this?"},
                {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,///+"},
            ],
        },
        {"role": "assistant", "content": "Rome."},
    ]
    assert instructions_of(history) == "Be brief."
