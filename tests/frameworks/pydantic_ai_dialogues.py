"""What is said to an agent of Pydantic AI, saved and loaded."""

from pydantic_ai import DeferredToolRequests, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.conversation import Conversation
from pydantic_ai.messages import ModelMessage

from chat_persistence.integrations.pydantic_ai import ChatConversationStore


def asked(text: str) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(text)])


def answered(text: str) -> ModelResponse:
    return ModelResponse(parts=[TextPart(text)])


async def begun(
    conversations: ChatConversationStore,
    name: str,
    *messages: ModelMessage,
    requests: DeferredToolRequests | None = None,
) -> Conversation:
    conversation = Conversation(messages=list(messages), conversation_id=name, deferred_tool_requests=requests)
    await conversations.save(conversation)
    return conversation


async def loaded(conversations: ChatConversationStore, name: str, limit: int | None = None) -> Conversation:
    conversation = await conversations.load(name, limit=limit)
    assert conversation is not None
    return conversation
