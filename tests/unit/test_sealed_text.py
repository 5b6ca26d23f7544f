"""What is sealed is opened in its place, whole, and nowhere else."""

from base64 import b64decode, b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_persistence import KeyRing
from chat_persistence.aes_gcm import Cipher, NotAuthentic, name_of, new_key
from chat_persistence.key_ring import KEY_ID_BYTES
from chat_persistence.sealed_text import MARK, SEALED_COLUMNS, OtherKey, Seal, is_sealed
from chat_persistence.text import escape
from tests.integration.test_any_text import any_text

RING = KeyRing({"old": bytes(32)}, "old")
CHAT, OTHER_CHAT, MESSAGE, OTHER_MESSAGE = map(UUID, (f"{n:032x}" for n in range(1, 5)))


def seal_of(user_id: str) -> Seal:
    return Seal(user_id, RING.unwrap(user_id, RING.new(user_id)))


ADA = seal_of("ada")


@given(any_text.filter(bool), st.sampled_from(SEALED_COLUMNS))
def test_any_text_is_opened_equal_and_looks_like_no_other(text: str, column: str) -> None:
    sealed = ADA.seal_column(CHAT, MESSAGE, column, escape(text)) or ""

    assert ADA.open(CHAT, MESSAGE, column, sealed) == escape(text)
    assert is_sealed(sealed)
    assert not is_sealed(escape(text))


@pytest.mark.parametrize("text", ["", None])
def test_nothing_stays_nothing(text: str | None) -> None:
    assert ADA.seal_column(CHAT, MESSAGE, "content", text) == text


@pytest.mark.parametrize(
    "place", [(OTHER_CHAT, MESSAGE, "content"), (CHAT, OTHER_MESSAGE, "content"), (CHAT, MESSAGE, "native")]
)
def test_in_another_place_it_is_refused(place: tuple[UUID, UUID, str]) -> None:
    sealed = ADA.seal_column(CHAT, MESSAGE, "content", "text") or ""

    with pytest.raises(NotAuthentic):
        ADA.open(*place, sealed)


def test_with_the_key_of_a_user_another_cannot_open_it() -> None:
    """Even when the key itself was given away."""
    key = RING.unwrap("ada", RING.new("ada"))
    sealed = Seal("ada", key).seal_column(CHAT, MESSAGE, "content", "text") or ""

    with pytest.raises(NotAuthentic):
        Seal("eve", key).open(CHAT, MESSAGE, "content", sealed)
    with pytest.raises(OtherKey):
        seal_of("ada").open(CHAT, MESSAGE, "content", sealed)


def test_no_bit_of_it_can_be_changed() -> None:
    sealed = ADA.seal_column(CHAT, MESSAGE, "content", "text") or ""
    raw = b64decode(sealed.removeprefix(MARK))

    for place in range(len(raw)):
        altered = bytearray(raw)
        altered[place] ^= 1
        with pytest.raises(OtherKey if place < KEY_ID_BYTES else NotAuthentic):
            ADA.open(CHAT, MESSAGE, "content", MARK + b64encode(altered).decode())


@pytest.mark.parametrize("kept", range(56))
def test_what_is_cut_short_is_refused(kept: int) -> None:
    sealed = ADA.seal_column(CHAT, MESSAGE, "content", "text") or ""

    assert len(sealed) == len(MARK) + 56
    with pytest.raises((NotAuthentic, OtherKey)):
        ADA.open(CHAT, MESSAGE, "content", sealed[: len(MARK) + kept])


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_two_lists_of_parts_have_two_names(one: list[bytes], other: list[bytes]) -> None:
    assert (name_of(*one) == name_of(*other)) == (one == other)


def test_a_million_nonces_are_unique() -> None:
    cipher = Cipher(new_key())

    nonces = {cipher.seal(b"", b"")[:12] for _ in range(1_000_000)}

    assert len(nonces) == 1_000_000
