"""What model providers call messages, to ours and back, without their SDKs.

    from chat_persistence.provider_formats import from_openai_chat, to_anthropic_messages

    await chat.messages.append(conversation.id, *from_openai_chat(request["messages"]))
    messages = to_anthropic_messages(await chat.messages.last(conversation.id))

`from_…` makes a message of each item; what role and text do not say of it is kept in `native`, exactly. `to_…` gives an
item back that is its own format's, and writes all others in that format's words. `reading` knows each format's words,
`writing` its rules, and `parts` what both speak of.
"""

from chat_persistence.provider_formats.reading.messages import instructions_of
from chat_persistence.provider_formats.reading.openai_chat import from_openai_chat
from chat_persistence.provider_formats.writing.openai_chat import to_openai_chat

__all__ = ["from_openai_chat", "instructions_of", "to_openai_chat"]
