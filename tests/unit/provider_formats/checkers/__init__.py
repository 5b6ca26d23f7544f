"""What each provider takes, by its documentation: `check` fails on what it would refuse."""

from tests.unit.provider_formats.checkers import (
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
