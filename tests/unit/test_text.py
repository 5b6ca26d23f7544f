"""How any str and any JSON is made storable."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_persistence import InvalidInput
from chat_persistence.text import escape, read_json, to_json, unescape

any_text = st.text(st.characters(codec=None, categories=None)) | st.text(st.sampled_from("\x00\ud800\udfff\ufdd00d8f"))


def arrays(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@given(any_text)
def test_escaped_text_is_storable_and_comes_back(text: str) -> None:
    escaped = escape(text)

    assert "\x00" not in escaped
    assert escaped.encode().decode() == escaped
    assert unescape(escaped) == text


@given(any_text, any_text)
def test_no_two_texts_are_escaped_alike(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain \u00e4 \U0001f600", "plain \u00e4 \U0001f600"),
        ("\x00", "\ufdd00000"),
        ("\ud83d\ude00", "\ufdd0d83d\ufdd0de00"),
        ("\ufdd00000", "\ufdd0fdd00000"),
    ],
)
def test_the_escape_is_a_noncharacter_and_four_digits(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize("text", ["\ufdd00041", "\ufdd0D800", "\ufdd0d80", "\ufdd0"])
def test_what_was_not_escaped_is_not_unescaped(text: str) -> None:
    assert unescape(text) == text


def test_json_is_nested_64_deep_at_most() -> None:
    assert read_json(to_json(arrays(64), "native", 1000)) == arrays(64)

    with pytest.raises(InvalidInput, match="nested deeper than 64"):
        to_json(arrays(65), "native", 1000)


def test_a_cycle_is_refused() -> None:
    cycle: list[object] = []
    cycle.append(cycle)

    with pytest.raises(InvalidInput):
        to_json(cycle, "native", 1000)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
        lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
    )
)
def test_what_is_written_is_json_and_reads_back_equal(value: object) -> None:
    for binary in (True, False):
        written = to_json(value, "native", 10**6, binary=binary)
        json.loads(written)
        assert read_json(written) == value


def test_200_megabytes_are_refused_at_once_and_without_a_copy() -> None:
    value = {"a": "x" * 200_000_000}
    tracemalloc.start()
    started = time.perf_counter()

    with pytest.raises(InvalidInput, match="longer than 1000000 characters"):
        to_json(value, "native", 1_000_000)

    elapsed, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert elapsed < 1
