"""Reads by turns: they begin at a user message and never split a tool call from its result."""

import pytest

from chat_persistence import ConversationRead, MessageCreate, MessageRead, ToolCall, TurnTooLong, UserChats

CALL = ToolCall(id="c1", name="look", arguments="{}")
RESULT = ToolCall(id="c1", result="found")

WORDS = {
    "u": lambda: MessageCreate(role="user", content="question"),
    "a": lambda: MessageCreate(role="assistant", content="answer"),
    "c": lambda: MessageCreate(role="assistant", tool_calls=[CALL]),
    "r": lambda: MessageCreate(role="assistant", tool_calls=[RESULT]),
    "R": lambda: MessageCreate(role="user", tool_calls=[RESULT]),  # as Anthropic's results come
}


async def say(chat: UserChats, conversation: ConversationRead, words: str) -> list[MessageRead]:
    """Append one message a letter."""
    stored: list[MessageRead] = []
    for start in range(0, len(words), 1000):
        batch = [WORDS[word]() for word in words[start : start + 1000]]
        stored += await chat.messages.append(conversation.id, *batch)
    return stored


@pytest.mark.parametrize(
    ("words", "turns", "kept"),
    [
        ("", 1, 0),
        ("uaua", 1, 2),
        ("uaua", 2, 4),
        ("uaua", 9, 4),
        ("aua", 9, 2),  # what the assistant said first belongs to no turn
        ("ucraucra", 1, 4),
        ("ucRa", 1, 4),
        ("uaucRa", 1, 4),
        ("uacura", 1, 6),  # the result came after the next question: both turns, or it would be split
        ("aaa", 1, 0),
        ("ura", 1, 0),  # a result whose call was never stored makes no whole turn,
        ("uraua", 1, 2),  # and takes no other turn with it
        ("uraua", 2, 2),
        ("urauau", 9, 3),
        ("ucurua", 2, 6),  # rather more turns than fewer
    ],
)
async def test_the_last_turns_are_whole(
    chat: UserChats, conversation: ConversationRead, words: str, turns: int, kept: int
) -> None:
    stored = await say(chat, conversation, words) if words else []

    assert await chat.messages.last_turns(conversation.id, turns) == stored[len(stored) - kept :]


@pytest.mark.parametrize(
    ("words", "limit", "kept"),
    [
        ("", 5, 0),
        ("uaua", 1, 2),  # at least the newest turn
        ("uaua", 3, 2),
        ("uaua", 4, 4),
        ("uaua", 50, 4),
        ("uaucra", 5, 4),
        ("uaucRa", 3, 4),
        ("uacura", 3, 6),
        ("ucurua", 4, 2),  # not six: a whole turn is among the last four
        ("uraua", 9, 2),
        ("uaucura", 3, 5),  # the nearest older place, when no newer one is whole
        ("aaaa", 2, 0),
        ("ua" + "a" * 300, 50, 302),
    ],
)
async def test_the_last_messages_by_whole_turns_begin_at_a_user_message(
    chat: UserChats, conversation: ConversationRead, words: str, limit: int, kept: int
) -> None:
    stored = await say(chat, conversation, words) if words else []

    read = await chat.messages.last(conversation.id, limit, whole_turns=True)

    assert read == stored[len(stored) - kept :]


async def test_a_newest_turn_beyond_a_thousand_messages_is_an_error(
    chat: UserChats, conversation: ConversationRead
) -> None:
    await say(chat, conversation, "uau" + "a" * 1000)

    with pytest.raises(TurnTooLong) as caught:
        await chat.messages.last_turns(conversation.id, 1)
    with pytest.raises(TurnTooLong):
        await chat.messages.last(conversation.id, 50, whole_turns=True)
    assert (caught.value.conversation_id, caught.value.limit) == (conversation.id, 1000)


async def test_fewer_turns_come_back_when_more_would_be_over_a_thousand_messages(
    chat: UserChats, conversation: ConversationRead
) -> None:
    stored = await say(chat, conversation, "u" + "a" * 600 + "u" + "a" * 600)

    assert await chat.messages.last_turns(conversation.id, 2) == stored[601:]
