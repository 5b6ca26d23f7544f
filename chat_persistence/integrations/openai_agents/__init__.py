"""Sessions of OpenAI's Agents SDK, kept in a chat store (extra `openai-agents`).

session = ChatSession("rome", store.for_user("ada"))
await Runner.run(agent, "A train to Rome, please", session=session)

Where one session serves many users, `ContextChatSession` finds each run's user in its context. A session is a
conversation: that of the id `conversation_id_of(session_id)`.
"""

from chat_persistence.integrations.openai_agents.sessions import ChatSession, ContextChatSession

__all__ = ["ChatSession", "ContextChatSession"]
