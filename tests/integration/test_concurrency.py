"""Order under concurrency: a counter hands out positions in commit order, without gaps."""

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from chat_persistence import (
    ChatStore,
    ConcurrentAppend,
    ConversationChanged,
    ConversationNotFound,
    ConversationRead,
    MessageCreate,
    MessageRead,
    UserChats,
)

WRITERS = 64
TURNS = 40


def turn(writer: int, number: int) -> list[MessageCreate]:
    return [
        MessageCreate(role="user", content=f"{writer}:{number}"),
        MessageCreate(role="assistant", content=f"{writer}:{number}"),
    ]


async def write(chat: UserChats, conversation_id: UUID, writer: int) -> None:
    for number in range(TURNS):
        await chat.messages.append(conversation_id, *turn(writer, number))


async def follow(chat: UserChats, conversation_id: UUID, messages: int) -> list[MessageRead]:
    seen: list[MessageRead] = []
    while len(seen) < messages:
        page = await chat.messages.page(conversation_id, 100, after=seen[-1].position if seen else 0)
        seen.extend(page.items)
    return seen


async def test_64_writers_of_40_turns_leave_no_gap_no_torn_turn_and_a_reader_who_saw_all(
    chat: UserChats, conversation: ConversationRead
) -> None:
    total = WRITERS * TURNS * 2
    following = asyncio.create_task(follow(chat, conversation.id, total))

    await asyncio.gather(*[write(chat, conversation.id, writer) for writer in range(WRITERS)])

    seen = await asyncio.wait_for(following, 30)
    assert [message.position for message in seen] == list(range(1, total + 1))
    assert all(
        (question.role, answer.role, answer.content) == ("user", "assistant", question.content)
        for question, answer in zip(seen[::2], seen[1::2], strict=True)
    )
    times = [message.created_at for message in seen]
    assert times == sorted(times)
    for writer in range(WRITERS):
        mine = [message.content for message in seen[::2] if message.content.startswith(f"{writer}:")]
        assert mine == [f"{writer}:{number}" for number in range(TURNS)]


async def test_rewinds_among_appends_leave_no_row_behind_and_no_wrong_counter(
    chat: UserChats, conversation: ConversationRead
) -> None:
    async def rewind() -> None:
        for _ in range(20):
            try:
                await chat.messages.rewind(conversation.id, 4)
            except ConcurrentAppend:
                await asyncio.sleep(0.01)

    await asyncio.gather(rewind(), *[write(chat, conversation.id, writer) for writer in range(4)])

    rewound = await chat.messages.rewind(conversation.id, 4)
    left = await chat.messages.last(conversation.id, 1000)
    assert [message.position for message in left] == [1, 2, 3, 4]
    assert rewound.message_count == 4
    assert rewound.last_position >= 4 * TURNS * 2


async def test_a_rewind_takes_what_was_appended_while_it_waited(
    store: ChatStore, chat: UserChats, conversation: ConversationRead, user_id: str
) -> None:
    await chat.messages.append(conversation.id, *turn(0, 0))
    async with store.unit_of_work(user_id) as work:
        await work.messages.append(conversation.id, *turn(0, 1))
        rewinding = asyncio.create_task(chat.messages.rewind(conversation.id, 0))
        await asyncio.sleep(0.1)

    assert (await rewinding).message_count == 0
    assert await chat.messages.last(conversation.id) == []


async def test_of_many_who_rewind_at_the_same_position_one_does(
    chat: UserChats, conversation: ConversationRead
) -> None:
    for _ in range(20):
        *_, kept, last = await chat.messages.append(conversation.id, *turn(0, 0), *turn(0, 1))
        rewinds = [
            chat.messages.rewind(conversation.id, kept.position, expected_position=last.position) for _ in range(6)
        ]
        told = await asyncio.gather(*rewinds, return_exceptions=True)

        refused = [each for each in told if isinstance(each, ConversationChanged)]
        assert [each.last_position for each in refused] == [last.position + 1] * 5
        assert (await chat.messages.last(conversation.id))[-1] == kept


async def test_a_rewind_at_a_position_takes_nothing_that_was_appended_since(
    chat: UserChats, conversation: ConversationRead
) -> None:
    for number in range(100):
        *_, kept, last = await chat.messages.append(conversation.id, *turn(0, number))
        rewind = chat.messages.rewind(conversation.id, kept.position, expected_position=last.position)
        rewinding = asyncio.create_task(rewind)
        await asyncio.sleep(number % 20 / 10_000)
        (appended,) = await chat.messages.append(conversation.id, turn(1, number)[0])
        (told,) = await asyncio.gather(rewinding, return_exceptions=True)

        left = await chat.messages.last(conversation.id, 3)
        if isinstance(told, ConversationChanged):
            assert left == [kept, last, appended]
        else:
            assert left[-2:] == [kept, appended], told


async def test_an_append_is_never_refused_for_the_position_that_it_expects(chat: UserChats) -> None:
    """The conversation is made while the append looks for it: before it or after it, and nothing else."""
    for number in range(400):
        conversation_id = uuid4()
        append = chat.messages.append(conversation_id, *turn(0, number), expected_position=0)
        appending = asyncio.create_task(append)
        await asyncio.sleep(number % 20 / 10_000)
        await chat.conversations.create(id=conversation_id)
        (told,) = await asyncio.gather(appending, return_exceptions=True)

        stored = await chat.messages.last(conversation_id)
        assert told == stored if stored else isinstance(told, ConversationNotFound), told


async def test_an_append_is_refused_before_its_ids_were_stored_or_finds_them(chat: UserChats) -> None:
    """They are stored by another one meanwhile: it comes before that or after it, and nothing else."""
    for number in range(400):
        conversation = await chat.conversations.create()
        message = turn(0, number)[0]
        appending = asyncio.create_task(chat.messages.append(conversation.id, message, expected_position=5))
        await asyncio.sleep(number % 20 / 10_000)
        stored = await chat.messages.append(conversation.id, message)
        (told,) = await asyncio.gather(appending, return_exceptions=True)

        assert told == stored or (isinstance(told, ConversationChanged) and told.last_position == 0), told


async def test_an_append_that_expects_a_log_creates_none_when_it_is_deleted_meanwhile(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    await chat.messages.append(conversation.id, *turn(0, 0))
    async with connection.transaction():
        await connection.execute("DELETE FROM conversations WHERE id = $1", conversation.id)
        appending = asyncio.create_task(
            chat.messages.append(conversation.id, *turn(0, 1), create_conversation=True, expected_position=2)
        )
        await asyncio.sleep(0.1)

    with pytest.raises(ConversationNotFound):
        await appending
    assert (await chat.conversations.page()).items == []
