"""JSON read piece by piece, wherever the pieces end."""

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_persistence.transfer import BadRecord, json_arrays
from chat_persistence.transfer.json_arrays import read_json_array
from chat_persistence.transfer.json_lines import JSONValue, read_json_lines
from tests.integration.test_any_text import any_json

values = st.lists(any_json.map(lambda value: json.loads(json.dumps(value))), max_size=5)


class InPieces(BytesIO):
    """A file that gives a few bytes at a time, whatever it is asked for."""

    def __init__(self, written: bytes, piece: int) -> None:
        super().__init__(written)
        self._piece = piece

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._piece)


@given(given=values, piece=st.integers(1, 9), indent=st.none() | st.integers(0, 2), ascii=st.booleans())
def test_an_array_is_its_items(given: list[Any], piece: int, indent: int | None, ascii: bool) -> None:
    written = json.dumps(given, indent=indent, ensure_ascii=ascii).encode(errors="namereplace")

    found = list(read_json_array(InPieces(written, piece)))

    expected = json.loads(written)
    assert found == [JSONValue(f"item {place}", value) for place, value in enumerate(expected, 1)]


@given(given=values.filter(bool), piece=st.integers(1, 9), data=st.data())
def test_an_array_that_is_cut_off_is_its_whole_items_and_a_bad_one(
    given: list[Any], piece: int, data: st.DataObject
) -> None:
    written = json.dumps(given).encode()
    cut = data.draw(st.integers(0, len(written) - 1))

    *whole, last = read_json_array(InPieces(written[:cut], piece))

    assert isinstance(last, BadRecord)
    assert last.place == f"item {len(whole) + 1}"
    for item, value in zip(whole[:-1], given, strict=False):
        assert isinstance(item, JSONValue)
        assert item.value == value


@pytest.mark.parametrize(
    ("written", "place", "reason"),
    [
        (b"{}", "item 1", "not JSON"),
        (b'[1 "secret"]', "item 2", "not JSON"),
        (b"[1,]", "item 2", "not JSON"),
        (b'[1, "\xff"]', "item 1", "not UTF-8"),
        (b"[1," + b"[" * 100_000, "item 2", "nested too deeply"),
        (b"[1," + b"9" * 5000 + b"   ]", "item 2", "an integer of more than 4,300 digits"),
    ],
)
def test_what_cannot_be_read_is_the_last_item(written: bytes, place: str, reason: str) -> None:
    *_, last = read_json_array(BytesIO(written))

    assert last == BadRecord(place, f"{reason}; nothing from here on was read")


def test_an_item_that_does_not_end_costs_no_more_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_arrays, "BLOCK_BYTES", 100)
    file = BytesIO(b'[1, "' + b"x" * 100_000 + b'"]')

    *_, last = read_json_array(file, max_chars=1_000)

    assert last == BadRecord("item 2", "longer than 1000 characters; nothing from here on was read")
    assert file.tell() < 3_000


@given(given=values)
def test_lines_are_their_values(given: list[Any]) -> None:
    written = "\ufeff" + "\n  \n".join(map(json.dumps, given))

    found = list(read_json_lines(BytesIO(written.encode())))

    assert found == [JSONValue(f"line {2 * place + 1}", value) for place, value in enumerate(given)]


def test_a_line_that_is_too_long_is_skipped_and_counts() -> None:
    written = b"1\n" + b"2" * 100 + b"\n3\n" + b"4" * 100

    found = list(read_json_lines(BytesIO(written), max_bytes=10))

    assert found == [
        JSONValue("line 1", 1),
        BadRecord("line 2", "longer than 10 bytes"),
        JSONValue("line 3", 3),
        BadRecord("line 4", "longer than 10 bytes"),
    ]
