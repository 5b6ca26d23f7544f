"""What model providers call messages, to ours and back, without their SDKs.

    from chat_persistence.provider_formats import from_openai_chat, to_anthropic_messages

    await chat.messages.append(conversation.id, *from_openai_chat(request["messages"]))
    messages = to_anthropic_messages(await chat.messages.last(conversation.id))

`from_…` makes a message of each item; what role and text do not say of it is kept in `native`, exactly. `to_…` gives an
item back that is its own format's, and writes all others in that format's words. `reading` knows each format's words,
`writing` its rules, and `parts` what both speak of.
"""

from chat_persistence.provider_formats.reading.anthropic_messages import from_anthropic_messages
from chat_persistence.provider_formats.reading.cohere_chat import from_cohere_chat
from chat_persistence.provider_formats.reading.gemini_contents import from_gemini_contents
from chat_persistence.provider_formats.reading.messages import instructions_of
from chat_persistence.provider_formats.reading.openai_chat import from_openai_chat
from chat_persistence.provider_formats.reading.openai_responses import from_openai_responses
from chat_persistence.provider_formats.reading.vercel_ui_messages import from_vercel_ui_messages
from chat_persistence.provider_formats.writing.anthropic_messages import to_anthropic_messages
from chat_persistence.provider_formats.writing.cohere_chat import to_cohere_chat
from chat_persistence.provider_formats.writing.gemini_contents import to_gemini_contents
from chat_persistence.provider_formats.writing.openai_chat import to_openai_chat
from chat_persistence.provider_formats.writing.openai_responses import to_openai_responses
from chat_persistence.provider_formats.writing.vercel_ui_messages import to_vercel_ui_messages

__all__ = [
    "from_anthropic_messages",
    "from_cohere_chat",
    "from_gemini_contents",
    "from_openai_chat",
    "from_openai_responses",
    "from_vercel_ui_messages",
    "instructions_of",
    "to_anthropic_messages",
    "to_cohere_chat",
    "to_gemini_contents",
    "to_openai_chat",
    "to_openai_responses",
    "to_vercel_ui_messages",
]
