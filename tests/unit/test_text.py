"""How any str and any JSON is made storable."""

import json
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_persistence import InvalidInput
from chat_persistence.json_size import is_longer
from chat_persistence.text import MAX_JSON_DEPTH, escape, read_json, to_json, unescape

any_text = st.text(st.characters(codec=None, categories=None)) | st.text(st.sampled_from("\x00\ud800\udfff\ufdd00d8f"))
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
)


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


@pytest.mark.parametrize(
    ("longest", "too_long"),
    # Not the numbers themselves: pytest could not write their names.
    [(lambda: 10**4299, lambda: 10**4300), (lambda: 1 - 10**4299, lambda: -(10**4299))],
    ids=["positive", "negative"],
)
def test_an_integer_has_as_many_digits_as_every_reader_takes(
    longest: Callable[[], int], too_long: Callable[[], int]
) -> None:
    assert read_json(to_json(longest(), "native", 10_000)) == longest()

    with pytest.raises(InvalidInput, match="an integer of more than 4,300 digits"):
        to_json(too_long(), "native", 10_000)


def test_a_cycle_is_refused() -> None:
    cycle: list[object] = []
    cycle.append(cycle)

    with pytest.raises(InvalidInput):
        to_json(cycle, "native", 1000)


@given(any_json)
def test_what_is_written_is_json_and_reads_back_equal(value: object) -> None:
    for binary in (True, False):
        written = to_json(value, "native", 10**6, binary=binary)
        json.loads(written)
        assert read_json(written) == value


MEGABYTES_200: dict[str, Callable[[], object]] = {
    "a string": lambda: {"a": "x" * 200_000_000},
    "a key": lambda: {"x" * 200_000_000: 1},
    "a wide list": lambda: [0] * 100_000_000,
    "strings of a megabyte": lambda: ["x" * 1_000_000] * 200,
    "strings of ten characters": lambda: {"a": ["x" * 10] * 20_000_000},
    "objects of ten kilobytes": lambda: [{"role": "user", "content": "x" * 10_000}] * 20_000,
    "lists of lists": lambda: [[[1, 2]] * 10_000] * 10_000,
    "a long way down": lambda: arrays(100_000),
}


@pytest.mark.parametrize("shape", MEGABYTES_200)
def test_200_megabytes_are_refused_in_10_ms_and_without_a_copy(shape: str) -> None:
    value = MEGABYTES_200[shape]()
    seconds = min(_seconds_to_refuse(value) for _ in range(5))
    tracemalloc.start()
    _seconds_to_refuse(value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert seconds < 0.01
    assert peak < 1_000_000


def _seconds_to_refuse(value: object) -> float:
    started = time.perf_counter()
    with pytest.raises(InvalidInput, match=r"longer than 10000000 characters|nested deeper"):
        to_json(value, "native", 10_000_000)
    return time.perf_counter() - started


@given(any_json, st.integers(0, 60))
def test_what_is_measured_as_too_long_is_too_long_when_it_is_written(value: object, limit: int) -> None:
    try:
        to_json(value, "native", limit)
    except InvalidInput:
        return
    assert not is_longer(value, limit, MAX_JSON_DEPTH)


def test_zeros_that_only_jsonb_writes_count() -> None:
    numbers = [5e-324] * 1000

    assert read_json(to_json(numbers, "native", 10_000, binary=False)) == numbers
    with pytest.raises(InvalidInput, match="longer than 10000 characters"):
        to_json(numbers, "metadata", 10_000)
