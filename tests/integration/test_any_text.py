"""Every str and every JSON that is accepted comes back equal."""

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, ConversationRead, InvalidInput, MessageCreate, ToolCall, UserChats

any_text = st.text(st.characters(codec=None, categories=None), max_size=40) | st.text(
    st.sampled_from("a\x00\ud800\udc00\ud83d\ude00\ufdd00d8\\\"'%{}"), max_size=20
)
any_number = st.integers() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False, allow_infinity=False)
any_json = st.recursive(
    st.none() | st.booleans() | any_number | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
database = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


async def stored_and_read(store: ChatStore, sent: MessageCreate) -> None:
    chat = store.for_user("any-text")
    conversation = await chat.conversations.create()
    (answered,) = await chat.messages.append(conversation.id, sent)

    (read,) = await chat.messages.last(conversation.id)

    assert read == answered
    assert (read.content, read.tool_calls, read.native) == (sent.content, sent.tool_calls, sent.native)
    assert (read.metadata, read.unreadable) == (sent.metadata, ())


@given(content=any_text.filter(bool))
@database
async def test_any_content_comes_back_equal(store: ChatStore, content: str) -> None:
    await stored_and_read(store, MessageCreate(role="user", content=content))


@given(native=any_json, metadata=st.dictionaries(any_text, any_json, max_size=3), result=any_json, arguments=any_text)
@database
async def test_any_json_comes_back_equal(
    store: ChatStore, native: object, metadata: dict[str, object], result: object, arguments: str
) -> None:
    calls = [ToolCall(id="c1", name="x", arguments=arguments), ToolCall(id="c1", result=result)]
    await stored_and_read(
        store, MessageCreate(role="assistant", content="x", native=native, metadata=metadata, tool_calls=calls)
    )


async def test_floats_without_a_fraction_stay_floats(chat: UserChats, conversation: ConversationRead) -> None:
    numbers = [1e16, 1e23, 1.5e300, -1e22, 5e-324, 0.1, 100.0, 2**53, 10**22]
    sent = MessageCreate(role="user", content="x", metadata={"n": numbers}, native=numbers)

    (read,) = await chat.messages.append(conversation.id, sent)

    assert read.metadata == {"n": numbers}
    assert [type(number) for number in read.metadata["n"]] == [type(number) for number in numbers]
    assert repr(read.native) == repr(numbers)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1: "x"}, {None: 1}, (1,), {1}, b"x", object(), 10**4301, 1j],
    ids=lambda value: type(value).__name__,
)
async def test_what_is_no_json_is_refused_before_any_sql_and_its_place_named(
    chat: UserChats, conversation: ConversationRead, value: object
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await chat.messages.append(
            conversation.id, MessageCreate(role="user", content="x", native={"secret": [0, value]})
        )

    assert caught.value.field.startswith("messages[0].native.<key 1>[1]")
    assert "secret" not in str(caught.value)
    assert await chat.messages.last(conversation.id) == []


async def test_a_row_that_was_poisoned_by_hand_costs_its_unreadable_columns_only(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    stored = await chat.messages.append(
        conversation.id, *[MessageCreate(role="user", content=str(n), native=[n]) for n in range(3)]
    )
    await connection.execute(
        "UPDATE messages SET native = $1::json, tool_calls = '[{\"no\": 1}]', metadata = '[]' WHERE id = $2",
        "[" * 5000 + "]" * 5000,
        stored[1].id,
    )

    history = await chat.messages.last(conversation.id)

    assert [history[0], history[2]] == [stored[0], stored[2]]
    assert (history[1].content, history[1].position) == ("1", 2)
    assert history[1].unreadable == ("tool_calls", "native", "metadata")
    assert (history[1].tool_calls, history[1].native, history[1].metadata) == ([], None, None)


async def test_text_that_only_looks_escaped_stays_as_it_was_written_by_hand(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    (stored,) = await chat.messages.append(conversation.id, MessageCreate(role="user", content="x"))
    by_hand = "\ufdd0 \ufdd00041 \ufdd0D800"
    await connection.execute("UPDATE messages SET content = $1 WHERE id = $2", by_hand, stored.id)

    assert (await chat.messages.get(stored.id)).content == by_hand
