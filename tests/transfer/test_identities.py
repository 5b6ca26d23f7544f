"""Ids that are derived: the same from the same, others from others, and in the order of time."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from chat_persistence.derived_ids import derived_id
from chat_persistence.transfer.identities import Identity, digest_of
from tests.integration.test_any_text import any_json, any_text

moments = st.none() | st.datetimes(timezones=st.just(UTC))
keys = st.lists(any_text, min_size=1, max_size=3)


@given(moment=moments, key=keys, other=keys)
def test_equal_keys_and_only_they_have_equal_ids(moment: datetime | None, key: list[str], other: list[str]) -> None:
    assert derived_id(moment, *key) == derived_id(moment, *key)
    assert (derived_id(moment, *key) == derived_id(moment, *other)) is (key == other)


@given(moment=moments, key=keys)
def test_an_id_is_of_version_7_where_there_is_a_time_that_it_can_hold(moment: datetime | None, key: list[str]) -> None:
    made = derived_id(moment, *key)

    is_after_1970 = moment is not None and moment >= datetime(1970, 1, 1, tzinfo=UTC)
    assert (made.variant, made.version) == (RFC_4122, 7 if is_after_1970 else 8)


@given(key=keys, other=keys, moment=st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.just(UTC)))
def test_ids_sort_by_their_times(key: list[str], other: list[str], moment: datetime) -> None:
    assert derived_id(moment - timedelta(milliseconds=2), *key) < derived_id(moment, *other)


def test_messages_have_ids_of_their_conversation() -> None:
    ours, theirs = Identity.of(None, "claude", "ada", "1"), Identity.of(None, "claude", "grace", "1")

    assert ours.conversation_id != theirs.conversation_id
    assert ours.message_id("m") != theirs.message_id("m")


@given(value=st.dictionaries(any_text, any_json, max_size=4))
def test_a_digest_minds_no_order_of_keys(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))

    assert digest_of(turned) == digest_of(value)
    assert digest_of({**value, "more": 1}) != digest_of({**value, "more": 2})
