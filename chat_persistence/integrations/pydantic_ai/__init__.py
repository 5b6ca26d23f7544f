"""Conversations of Pydantic AI agents, kept in a chat store (extra `pydantic-ai`).

conversations = ChatConversationStore(store.for_user("ada"))

conversation = await conversations.load("trip") or Conversation(conversation_id="trip")
result = await agent.run(prompt, conversation=conversation)
await conversations.save(result)
"""

from chat_persistence.integrations.pydantic_ai.conversation_store import ChatConversationStore

__all__ = ["ChatConversationStore"]
