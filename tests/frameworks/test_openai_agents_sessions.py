"""A session of OpenAI's Agents SDK over one user's chats."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

import pytest
from agents import RunContextWrapper, SessionSettings
from agents.memory import Session

from chat_persistence import ChatStore, InvalidInput, MessageCreate, ToolCall, UserChats, conversation_id_of
from chat_persistence.integrations.openai_agents import ChatSession, ContextChatSession
from tests.frameworks.openai_items import Item, asked, call, output, said, thought

TURN = [asked("A train to Rome"), thought("rs_1"), call("c1"), output("c1"), said("Booked: 12A.")]


@pytest.fixture
def session(chat: UserChats) -> Any:
    return ChatSession("rome", chat)


async def written(chat: UserChats, *messages: MessageCreate) -> None:
    """Store what another program might."""
    await chat.messages.append(conversation_id_of("rome"), *messages, create_conversation=True)


def test_both_are_sessions(store: ChatStore, chat: UserChats) -> None:
    sessions: list[Session] = [ChatSession("rome", chat), ContextChatSession("rome", store.for_user)]

    assert all(isinstance(session, Session) for session in sessions)
    assert [(session.session_id, session.session_settings) for session in sessions] == [("rome", SessionSettings())] * 2


async def test_items_come_back_equal(session: Any) -> None:
    await session.add_items(TURN)

    assert await session.get_items() == TURN


@pytest.mark.parametrize(
    "item",
    [
        {"__enc__": 1, "payload": "gAAA"},
        {"role": "tool", "tool_call_id": "c1", "content": "12A"},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": "Hi", "tool_calls": []},
        {"role": "user", "content": "a\u0000b\ud800", "name": "Ada"},
        {"role": "user", "content": 5},
        {"type": "tool_search_output", "call_id": None, "tools": [{}]},
        {},
    ],
    ids=str,
)
async def test_whatever_object_it_is_an_item_comes_back_equal(session: Any, item: Item) -> None:
    await session.add_items([item, asked("Hi"), item])

    assert await session.get_items() == [item, asked("Hi"), item]
    assert await session.pop_item() == item


async def test_a_person_and_other_programs_read_what_is_said(session: Any, chat: UserChats) -> None:
    await session.add_items(TURN)

    messages = await chat.messages.last(conversation_id_of("rome"))
    assert [(message.role.value, message.content) for message in messages if message.content] == [
        ("user", "A train to Rome"),
        ("assistant", "Booked: 12A."),
    ]
    assert [call for message in messages for call in message.tool_calls] == [
        ToolCall("c1", "book", '{"to": "Rome"}'),
        ToolCall("c1", result="12A"),
    ]


async def test_no_items_are_no_statement_and_no_conversation(session: Any, chat: UserChats) -> None:
    await session.add_items([])

    assert (await chat.conversations.page()).items == []


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": float("nan")},
        {"role": "user", 1: "x"},
        {"content": object()},
        {"type": "shell_call", "call_id": "c1", "action": {"commands": [object()]}},
        "Hi",
    ],
    ids=["NaN", "a key that is a number", "an object", "an object that is called with", "a text"],
)
async def test_what_cannot_be_stored_is_refused_with_all_that_came_with_it(session: Any, item: Any) -> None:
    with pytest.raises(InvalidInput):
        await session.add_items([asked("Hi"), item])

    assert await session.get_items() == []


async def test_over_a_thousand_items_are_stored_and_read_in_order(session: Any) -> None:
    items = [asked(f"{number}") for number in range(2_500)]
    await session.add_items(items)

    assert await session.get_items() == items
    assert await session.get_items(1_700) == items[-1_700:]
    assert await session.get_items(1_000) == items[-1_000:]


async def test_over_a_thousand_items_are_read_as_they_were_at_one_moment(session: Any) -> None:
    generations = [[asked(str(number))] * 1_200 for number in range(12)]

    async def replace_again_and_again() -> None:
        for items in generations:
            await session.clear_session()
            await session.add_items(items)

    replacing = asyncio.create_task(replace_again_and_again())
    while not replacing.done():
        assert await session.get_items() in ([], *generations)
    await replacing


async def test_of_over_a_thousand_items_none_is_stored_when_one_is_refused(session: Any) -> None:
    with pytest.raises(InvalidInput):
        await session.add_items([*[asked("Hi")] * 1_500, {"x": float("inf")}])

    assert await session.get_items() == []


@pytest.mark.parametrize(
    ("limit", "settings", "numbers"),
    [
        (2, None, [3, 4]),
        (9, None, [0, 1, 2, 3, 4]),
        (None, {"limit": 2}, [3, 4]),
        (1, SessionSettings(limit=2), [4]),
        (0, {"limit": 2}, []),
        (None, {"limit": 0}, []),
        (-1, {"limit": 2}, [0, 1, 2, 3, 4]),
        (None, {"limit": -1}, [0, 1, 2, 3, 4]),
    ],
    ids=str,
)
async def test_a_limit_given_is_before_that_of_the_settings_and_a_negative_one_is_none(
    chat: UserChats, limit: int | None, settings: Any, numbers: list[int]
) -> None:
    session: Any = ChatSession("rome", chat, session_settings=settings)
    await session.add_items([asked(f"{number}") for number in range(5)])

    assert await session.get_items(limit) == [asked(f"{number}") for number in numbers]


async def test_a_window_leaves_out_what_its_start_has_split(session: Any) -> None:
    await session.add_items([*TURN, asked("and back"), said("12B.")])

    read = [await session.get_items(limit) for limit in (7, 6, 5, 4, 3)]

    assert (
        read
        == [[*TURN, asked("and back"), said("12B.")]]
        + [[*TURN[1:], asked("and back"), said("12B.")]]
        + [[said("Booked: 12A."), asked("and back"), said("12B.")]] * 3
    )


async def test_what_others_wrote_is_read_as_the_api_has_it(session: Any, chat: UserChats) -> None:
    await written(
        chat,
        MessageCreate(role="user", content="A train to Rome"),
        MessageCreate(role="assistant", tool_calls=[ToolCall("c1", "book", '{"to": "Rome"}', result="12A")]),
        MessageCreate(role="assistant", content="Booked", native={"role": "model", "parts": [{"text": "Booked"}]}),
    )

    booked = {"role": "assistant", "content": "Booked"}
    assert await session.get_items() == [asked("A train to Rome"), call("c1"), output("c1"), booked]
    assert await session.get_items(2) == [booked]
    assert await session.get_items(3) == [call("c1"), output("c1"), booked]


async def test_the_newest_item_is_popped(session: Any) -> None:
    await session.add_items(TURN)

    assert [await session.pop_item() for _ in range(6)] == [*TURN[::-1], None]
    await session.add_items([asked("Again")])
    assert await session.get_items() == [asked("Again")]


async def test_of_a_message_of_several_items_the_last_is_popped(session: Any, chat: UserChats) -> None:
    await written(
        chat,
        MessageCreate(role="user", content="Hi"),
        MessageCreate(role="assistant", tool_calls=[ToolCall("c1", "book", '{"to": "Rome"}', result="12A")]),
        MessageCreate(role="assistant", native={"type": "unheard of", "by": "anybody"}),
    )

    assert await session.pop_item() == output("c1")
    assert await session.get_items() == [asked("Hi"), call("c1")]


async def test_nothing_is_popped_where_there_is_nothing(session: Any, chat: UserChats) -> None:
    assert await session.pop_item() is None
    await chat.conversations.create(id=conversation_id_of("rome"))
    assert await session.pop_item() is None


async def test_a_cleared_session_is_empty_and_begins_anew(session: Any, chat: UserChats) -> None:
    await session.clear_session()
    await session.add_items(TURN)
    await session.clear_session()

    assert (await chat.conversations.page()).items == []
    await session.add_items([asked("Hi")])
    assert await session.get_items() == [asked("Hi")]


async def test_a_session_is_one_users(store: ChatStore, session: Any, user_id: str) -> None:
    theirs: Any = ChatSession("rome", store.for_user(f"eve-{user_id}"))
    await session.add_items(TURN)

    assert (await theirs.get_items(), await theirs.pop_item()) == ([], None)
    await theirs.clear_session()
    assert await session.get_items() == TURN


async def test_each_run_has_its_own_users_session(store: ChatStore, user_id: str) -> None:
    session: Any = ContextChatSession("rome", store.for_user)
    ada, eve = (RunContextWrapper(f"{name}-{user_id}") for name in ("ada", "eve"))
    await session.add_items([asked("Hi")], wrapper=ada)
    await session.add_items([asked("Ho"), asked("!")], wrapper=eve)

    assert await session.pop_item(wrapper=eve) == asked("!")
    assert [await session.get_items(wrapper=user) for user in (ada, eve)] == [[asked("Hi")], [asked("Ho")]]
    await session.clear_session(wrapper=ada)
    assert [await session.get_items(5, wrapper=user) for user in (ada, eve)] == [[], [asked("Ho")]]


async def test_without_a_context_there_is_no_user(store: ChatStore) -> None:
    session: Any = ContextChatSession("rome", store.for_user)

    for use in (session.get_items, session.pop_item, session.clear_session, lambda: session.add_items([asked("Hi")])):
        with pytest.raises(InvalidInput, match=r"^wrapper: must be"):
            await use()


@pytest.mark.parametrize("name", ["", "x" * 1_001, None], ids=["empty", "long", "none"])
def test_what_is_no_name_is_refused(store: ChatStore, chat: UserChats, name: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^name"):
        ChatSession(name, chat)
    with pytest.raises(InvalidInput, match=r"^name"):
        ContextChatSession(name, store.for_user)


def test_settings_that_are_none_are_refused(chat: UserChats) -> None:
    with pytest.raises(TypeError, match="limitt"):
        ChatSession("rome", chat, session_settings={"limitt": 1})


async def test_pops_at_the_same_time_are_each_given_another_item(session: Any) -> None:
    items = [asked(f"{uuid4()}") for _ in range(12)]
    await session.add_items(items)

    popped = await asyncio.gather(*(session.pop_item() for _ in range(14)))

    assert sorted(popped, key=str) == sorted([*items, None, None], key=str)
    assert await session.get_items() == []


async def test_what_is_appended_during_pops_is_not_lost(session: Any) -> None:
    await session.add_items([asked(f"{number}") for number in range(5)])
    appended = [asked(f"{uuid4()}") for _ in range(5)]

    popped = await asyncio.gather(
        *(session.pop_item() for _ in range(5)), *(session.add_items([item]) for item in appended)
    )

    everything = [*filter(None, popped), *await session.get_items()]
    assert sorted(everything, key=str) == sorted([*(asked(f"{number}") for number in range(5)), *appended], key=str)


async def cancelled(work: Coroutine[Any, Any, Any], moment: int) -> None:
    """Begin some work and cancel it, after so many steps of the loop, or later, while it waits for an answer."""
    task = asyncio.create_task(work)
    for _ in range(min(moment, 10)):
        await asyncio.sleep(0)
    if moment > 10:
        await asyncio.sleep((moment - 10) / 2_000)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("moment", range(1, 18))
async def test_an_add_that_is_cancelled_has_stored_all_or_nothing(session: Any, moment: int) -> None:
    await cancelled(session.add_items(TURN), moment)

    await session.add_items([said("next")])
    assert await session.get_items() in ([said("next")], [*TURN, said("next")], [said("next"), *TURN])


@pytest.mark.parametrize("moment", range(1, 24))
async def test_a_pop_that_is_cancelled_takes_one_item_or_none(session: Any, moment: int) -> None:
    await session.add_items(TURN)
    await cancelled(session.pop_item(), moment)

    next_popped = await session.pop_item()
    rest = await session.get_items()
    assert [*rest, next_popped] in (TURN, TURN[:-1])
