"""Conversations of Pydantic AI agents, kept in a chat store (extra `pydantic-ai`)."""
