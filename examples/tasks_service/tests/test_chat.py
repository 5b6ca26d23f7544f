from sqlalchemy.ext.asyncio import AsyncEngine
from tasks.chat import answer, ask

from chat_persistence import ChatStore, MessageCreate


async def test_a_turn_is_stored_in_order(chat_store: ChatStore, engine: AsyncEngine) -> None:
    chats = chat_store.for_user("ada")
    chat = await chats.conversations.create()
    history = await ask(chats, chat.id, MessageCreate(role="user", content="Hi"))
    words = [word async for word in answer(chats, chat.id, history)]
    stored = await chats.messages.last(chat.id)
    assert [(m.position, m.role, m.content) for m in stored] == [
        (1, "user", "Hi"),
        (2, "assistant", "".join(words).strip()),
    ]


async def test_an_answer_that_is_left_is_stored_as_far_as_it_came(chat_store: ChatStore, engine: AsyncEngine) -> None:
    chats = chat_store.for_user("ada")
    chat = await chats.conversations.create()
    reply = answer(chats, chat.id, await ask(chats, chat.id, MessageCreate(role="user", content="Hi")))
    assert await anext(reply) == "You "
    await reply.aclose()
    assert (await chats.messages.last(chat.id, 1))[0].content == "You"
