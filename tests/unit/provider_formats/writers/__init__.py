"""How each provider has a dialogue, written without a look at how this library writes it."""

from tests.unit.provider_formats.writers import (
    anthropic_messages,
    cohere_chat,
    gemini_contents,
    openai_chat,
    openai_responses,
    vercel_ui_messages,
)

__all__ = [
    "anthropic_messages",
    "cohere_chat",
    "gemini_contents",
    "openai_chat",
    "openai_responses",
    "vercel_ui_messages",
]
