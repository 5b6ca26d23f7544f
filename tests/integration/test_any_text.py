"""Every str and every JSON that is accepted comes back equal."""

from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_persistence import ChatStore, ConversationRead, InvalidInput, MessageCreate, ToolCall, UserChats
from chat_persistence.selftest.checks.hostile_data import is_returned

any_text = st.text(st.characters(codec=None, categories=None), max_size=40) | st.text(
    st.sampled_from("a\x00\ud800\udc00\ud83d\ude00\ufdd00d8\\\"'%{}"), max_size=20
)
any_number = st.integers() | st.integers(-(10**400), 10**400) | st.floats(allow_nan=False, allow_infinity=False)
any_json = st.recursive(
    st.none() | st.booleans() | any_number | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
any_message = st.builds(
    lambda content, native, metadata, arguments, result: MessageCreate(
        role="assistant",
        content=content,
        native=native,
        metadata=metadata,
        tool_calls=[ToolCall(id="c1", name="x", arguments=arguments), ToolCall(id="c1", result=result)],
    ),
    any_text,
    any_json,
    st.dictionaries(any_text, any_json, max_size=3),
    any_text,
    any_json,
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


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.chaos)])
async def test_every_example_of_hypothesis_comes_back_equal(chat: UserChats, count: int) -> None:
    sent = examples(any_message, count)

    for start in range(0, count, 1000):
        batch = sent[start : start + 1000]
        conversation = await chat.conversations.create()
        answered = await chat.messages.append(conversation.id, *batch)
        assert await chat.messages.append(conversation.id, *batch) == answered
        assert [message async for message in chat.messages.iterate(conversation.id)] == answered
        assert [one for one, other in zip(batch, answered, strict=True) if not is_returned(one, other)] == []


def examples(strategy: st.SearchStrategy[MessageCreate], count: int) -> list[MessageCreate]:
    """Let Hypothesis make so many values; each alone in a statement, 10,000 of them would take minutes."""
    made: list[MessageCreate] = []

    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(value: MessageCreate) -> None:
        made.append(value)

    collect()
    assert len(made) >= count
    return made[:count]


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


@pytest.mark.parametrize("calls", ["{}", '""', '"id"', "5", "null", "[1]", '["id"]', '[{"id": ""}]', '[{"name": "x"}]'])
async def test_tool_calls_of_another_shape_are_unreadable(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection, calls: str
) -> None:
    (stored,) = await chat.messages.append(conversation.id, MessageCreate(role="user", content="x"))
    await connection.execute("UPDATE messages SET tool_calls = $1::jsonb WHERE id = $2", calls, stored.id)

    read = await chat.messages.get(stored.id)

    assert (read.content, read.tool_calls, read.unreadable) == ("x", [], ("tool_calls",))


async def test_what_a_later_version_may_add_to_a_tool_call_is_left_out(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    call = ToolCall(id="c1", name="look", arguments="{}")
    (stored,) = await chat.messages.append(
        conversation.id, MessageCreate(role="assistant", content="x", tool_calls=[call])
    )
    await connection.execute("UPDATE messages SET tool_calls[0]['new'] = '1' WHERE id = $1", stored.id)

    assert await chat.messages.get(stored.id) == stored


@pytest.mark.parametrize("column", ["content", "metadata"])
async def test_an_append_has_a_hundred_million_characters_at_most(
    chat: UserChats, conversation: ConversationRead, column: str
) -> None:
    text = "x" * 900_000
    sent = [
        MessageCreate(role="user", content=text if column == "content" else "x", metadata={column: text})
        for _ in range(112)
    ]

    with pytest.raises(InvalidInput, match="messages: longer than 100000000 characters together"):
        await chat.messages.append(conversation.id, *sent)

    assert await chat.messages.last(conversation.id) == []


@pytest.mark.parametrize("metadata", [5, "text", [("a", 1)], {b"a": 1}, {1: 1}])
async def test_a_conversations_metadata_is_a_mapping_of_strings(chat: UserChats, metadata: Any) -> None:
    with pytest.raises(InvalidInput, match="metadata"):
        await chat.conversations.create(metadata=metadata)

    assert (await chat.conversations.page()).items == []


async def test_changes_are_a_conversation_update(chat: UserChats, conversation: ConversationRead) -> None:
    changes: Any = {"title": "x"}

    with pytest.raises(InvalidInput, match="changes: must be a ConversationUpdate"):
        await chat.conversations.update(conversation.id, changes)


async def test_text_that_only_looks_escaped_stays_as_it_was_written_by_hand(
    chat: UserChats, conversation: ConversationRead, connection: asyncpg.Connection
) -> None:
    (stored,) = await chat.messages.append(conversation.id, MessageCreate(role="user", content="x"))
    by_hand = "\ufdd0 \ufdd00041 \ufdd0D800"
    await connection.execute("UPDATE messages SET content = $1 WHERE id = $2", by_hand, stored.id)

    assert (await chat.messages.get(stored.id)).content == by_hand
