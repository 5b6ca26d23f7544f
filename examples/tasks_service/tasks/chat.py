"""A turn of the chat."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from chat_persistence import MessageCreate, MessageRead, MessageRole, UserChats
from tasks import assistant


async def ask(chats: UserChats, chat_id: UUID, question: MessageCreate) -> list[MessageRead]:
    """Store the question; return what the model is to read."""
    await chats.messages.append(chat_id, question)
    return await chats.messages.last(chat_id, 50, whole_turns=True)


async def answer(chats: UserChats, chat_id: UUID, history: list[MessageRead]) -> AsyncGenerator[str, None]:
    """Stream the reply, and store what there is of it at the end, however that comes."""
    words: list[str] = []
    try:
        async with aclosing(assistant.reply(history)) as reply:
            async for word in reply:
                words.append(word)
                yield word
    finally:
        if words:
            await chats.messages.append(
                chat_id, MessageCreate(role=MessageRole.ASSISTANT, content="".join(words).strip())
            )
