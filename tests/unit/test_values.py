"""What goes in and what comes out."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from chat_persistence import (
    ABSENT,
    ConversationCreate,
    ConversationRead,
    ConversationUpdate,
    MessageCreate,
    MessageRead,
    MessageRole,
    MetadataSwap,
    Page,
    ToolCall,
)
from chat_persistence.identifiers import uuid7

SECRET = "s3cret-of-a-user"  # noqa: S105


def message() -> MessageRead:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    calls = [ToolCall(id="c1", name="look", arguments="{}"), ToolCall(id="c1", result=None)]
    return MessageRead(UUID(int=1), "ada", 1, UUID(int=2), MessageRole.USER, "Hi", calls, None, None, None, moment)


def test_a_role_is_given_by_its_name_or_its_member() -> None:
    assert MessageCreate(role="user", content="x").role is MessageRole.USER
    assert MessageCreate(role=MessageRole.ASSISTANT, content="x").role is MessageRole.ASSISTANT


def test_every_message_has_an_id_of_its_own_that_sorts_by_time() -> None:
    ids = [MessageCreate(role="user", content="x").id for _ in range(100)]

    assert len(set(ids)) == 100
    assert {id.version for id in ids} == {7}
    assert [id.int >> 80 for id in ids] == sorted(id.int >> 80 for id in ids)


def test_a_uuid7_is_laid_out_as_the_standard_says() -> None:
    id = uuid7()

    assert (id.version, id.variant) == (7, "specified in RFC 4122")
    assert abs((id.int >> 80) - datetime.now(UTC).timestamp() * 1000) < 5000


def test_a_swap_is_of_any_mapping_and_says_what_it_expects() -> None:
    swap = MetadataSwap("run", MappingProxyType({"token": 1}), {})

    assert (swap.key, swap.value, swap.expected) == ("run", {"token": 1}, {})
    refused: list[Any] = [
        (b"run", {}, None),
        ("run", [("a", 1)], None),
        ("run", {1: SECRET}, None),
        ("run", {}, SECRET),
    ]
    for given in refused:
        with pytest.raises(ValidationError) as caught:
            MetadataSwap(*given)
        assert SECRET not in str(caught.value)


def test_a_result_that_has_not_come_is_not_a_result_of_null() -> None:
    assert not ToolCall(id="c", name="x").has_result
    assert ToolCall(id="c", result=None).has_result
    assert ToolCall(id="c", name="x").result is ABSENT
    assert ToolCall(id="c", name="x") != ToolCall(id="c", name="x", result=None)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MessageCreate.model_validate({"role": SECRET, "content": "x"}),
        lambda: MessageCreate.model_validate({"role": "user", "content": "x", "token_count": SECRET}),
        lambda: MessageCreate.model_validate({"role": "user", "content": "x", "metadata": {1: SECRET}}),
        lambda: MessageCreate.model_validate({"role": "user", "content": "x", "metadata": {(SECRET,): 1}}),
        lambda: ConversationCreate.model_validate({"metadata": {SECRET.encode(): 1}}),
        lambda: ConversationUpdate.model_validate({"metadata": {(SECRET,): 1}}),
        lambda: MessageCreate.model_validate({"role": "user", "content": "x", "unknown": SECRET}),
        lambda: MessageCreate.model_validate({"role": "user", "content": "x", "tool_calls": [SECRET]}),
        lambda: ToolCall(id=f"{SECRET}\x00"),
        lambda: ToolCall(id="c", name=f"{SECRET}\ud800"),
        lambda: TypeAdapter(ToolCall).validate_python({"id": "c", "arguments": {"a": SECRET}}),
        lambda: ConversationCreate(title=SECRET * 100),
        lambda: ConversationUpdate(title=f"{SECRET}\x00"),
    ],
)
def test_what_is_refused_is_not_quoted(make: Callable[[], object]) -> None:
    with pytest.raises(ValidationError) as caught:
        make()

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MessageCreate.model_validate({"role": "user", "content": b"x"}),
        lambda: MessageCreate.model_validate({"role": "user", "content": "x", "metadata": {b"x": 1}}),
        lambda: TypeAdapter(ToolCall).validate_python({"id": b"x"}),
        lambda: TypeAdapter(ToolCall).validate_python({"id": "x", "arguments": b"x"}),
        lambda: ConversationUpdate.model_validate({"title": b"x"}),
    ],
)
def test_bytes_are_not_made_text(make: Callable[[], object]) -> None:
    with pytest.raises(ValidationError):
        make()


@pytest.mark.parametrize("title", ["", "x" * 201, "\x00", "\ud800"])
def test_a_title_has_1_to_200_characters_that_postgresql_can_store(title: str) -> None:
    with pytest.raises(ValidationError, match=r"1 to 200 characters|neither U\+0000 nor surrogates"):
        ConversationUpdate(title=title)

    assert ConversationUpdate(title="\U0001f600" * 200).title == "\U0001f600" * 200
    schema = ConversationUpdate.model_json_schema()["properties"]["title"]["anyOf"][0]
    assert (schema["type"], schema["minLength"], schema["maxLength"]) == ("string", 1, 200)


def test_input_cannot_be_changed_after_it_was_checked() -> None:
    message = MessageCreate(role="user", content="x")

    with pytest.raises(ValidationError):
        setattr(message, "content", "")  # noqa: B010


def test_a_record_is_immutable_hashable_and_can_be_copied() -> None:
    record = message()

    with pytest.raises(FrozenInstanceError):
        setattr(record, "content", "x")  # noqa: B010
    assert hash(record) == hash(message())
    assert pickle.loads(pickle.dumps(record)) == copy.deepcopy(record) == record  # noqa: S301
    assert copy.deepcopy(record).tool_calls[0].result is ABSENT


def test_records_are_written_as_json_by_pydantic_as_fastapi_does() -> None:
    page = Page([message()], "cursor")

    written = TypeAdapter(Page[MessageRead]).dump_python(page, mode="json")

    assert written["next_cursor"] == "cursor"
    assert list(written["items"][0]) == [field.name for field in fields(MessageRead)]
    assert [("result" in call) for call in written["items"][0]["tool_calls"]] == [False, True]
    assert TypeAdapter(Page[MessageRead]).json_schema(mode="serialization")["properties"]["items"]["type"] == "array"
    assert TypeAdapter(ConversationRead).json_schema(mode="serialization")["type"] == "object"
