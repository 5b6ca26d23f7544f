"""An agent of Pydantic AI whose conversations outlive its process. It runs offline: its model is a function.

.venv/bin/python -m examples.pydantic_ai_agent ada trip    # then a line for each thing you say; kill it, and go on

It keeps them at $DATABASE_URL, or in an embedded PostgreSQL.
"""

import asyncio
import os
import sys

from pydantic_ai import Agent, ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationConflict, ConversationStore
from pydantic_ai.models.function import AgentInfo, FunctionModel

from chat_persistence import ChatStore
from chat_persistence.integrations.pydantic_ai import ChatConversationStore


def model(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    """Look for a train, and tell what was asked so far. In your application, name a model instead."""
    newest = messages[-1].parts[-1]
    if not isinstance(newest, ToolReturnPart):
        return ModelResponse(parts=[ToolCallPart("next_train", {})])
    asked = [part.content for message in messages for part in message.parts if isinstance(part, UserPromptPart)]
    return ModelResponse(parts=[TextPart(f"At {newest.content}. You have said: {', '.join(map(str, asked))}.")])


agent = Agent(FunctionModel(model))


@agent.tool_plain
def next_train() -> str:
    """Return when the next train leaves."""
    return "9:05"


async def answer(conversations: ConversationStore, name: str, prompt: str) -> str:
    """Run one turn of a conversation and save it, once more from the new history where another process was faster."""
    while True:
        conversation = await conversations.load(name) or Conversation(conversation_id=name)
        result = await agent.run(prompt, conversation=conversation)
        try:
            await conversations.save(result)
        except ConversationConflict:
            continue
        return result.output


async def main(user_id: str, name: str) -> None:
    """Answer each line of the standard input."""
    async with ChatStore(os.environ.get("DATABASE_URL", "embedded")) as store:
        await store.migrate()
        conversations = ChatConversationStore(store.for_user(user_id))
        while prompt := (await asyncio.to_thread(sys.stdin.readline)).strip():
            print(await answer(conversations, name, prompt), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
