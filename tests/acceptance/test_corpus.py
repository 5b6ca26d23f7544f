"""Real dialogues, all of them, in all of their languages."""

import asyncio
from collections.abc import Iterator

from chat_persistence import ChatStore, MessageCreate
from chat_persistence.cli.demo.corpus import Dialogue, dialogues, languages


async def test_every_dialogue_of_every_language_comes_back_equal(store: ChatStore, user_id: str) -> None:
    chat = store.for_user(user_id)

    async def play(queue: Iterator[Dialogue]) -> int:
        played = 0
        for dialogue in queue:
            conversation = await chat.conversations.create()
            sent = [
                MessageCreate(role="assistant" if number % 2 else "user", content=line)
                for number, line in enumerate(dialogue.lines)
            ]
            await chat.messages.append(conversation.id, *sent)
            read = await chat.messages.last(conversation.id, 1000)
            assert [(message.role, message.content) for message in read] == [(m.role, m.content) for m in sent]
            played += 1
        return played

    corpus = list(dialogues())
    queue = iter(corpus)
    played = await asyncio.gather(*[play(queue) for _ in range(10)])

    assert len(languages()) >= 28
    assert sum(played) == len(corpus) >= 7_644
