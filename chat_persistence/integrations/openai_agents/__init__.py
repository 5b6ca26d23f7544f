"""Sessions of OpenAI's Agents SDK, kept in a chat store (extra `openai-agents`)."""
