"""Master keys, what they wrap, and what nobody is shown."""

from base64 import b64encode

import pytest

from chat_persistence import ConfigurationError, Encryption, EncryptionKeyMissing, KeyRing, WrappedKey

OLD, NEW = bytes(range(32)), bytes(range(100, 132))


def test_a_users_key_is_unwrapped_by_what_wrapped_it_and_by_nothing_else() -> None:
    ring = KeyRing({"old": OLD, "new": NEW}, "old")
    key = ring.new("ada")

    assert (key.master_key_id, ring.unwrap("ada", key).id) == ("old", key.id)
    assert KeyRing({"old": OLD}, "old").unwrap("ada", key).id == key.id
    for other, user_id in (({"new": NEW}, "ada"), ({"old": NEW}, "ada"), ({"old": OLD}, "eve")):
        with pytest.raises(EncryptionKeyMissing) as caught:
            KeyRing(other, next(iter(other))).unwrap(user_id, key)
        assert caught.value.master_key_id == "old"


def test_a_key_that_is_wrapped_anew_is_the_same_key() -> None:
    key = KeyRing({"old": OLD}, "old").new("ada")
    ring = KeyRing({"new": NEW, "old": OLD}, "new")

    anew = ring.wrap_anew("ada", key)

    assert (anew.master_key_id, anew.id) == ("new", key.id)
    sealed = ring.unwrap("ada", key).cipher.seal(b"text", b"name")
    assert KeyRing({"new": NEW}, "new").unwrap("ada", anew).cipher.open(sealed, b"name") == b"text"


@pytest.mark.parametrize("place", range(68))
def test_no_byte_of_a_wrapped_key_can_be_changed(place: int) -> None:
    ring = KeyRing({"old": OLD}, "old")
    key = ring.new("ada")
    altered = bytearray(key.wrapped)
    altered[place] ^= 1

    assert len(altered) == 68
    with pytest.raises(EncryptionKeyMissing):
        ring.unwrap("ada", WrappedKey("old", bytes(altered)))


def test_a_ring_is_read_from_one_line_with_the_current_key_first() -> None:
    ring = KeyRing.from_text(f"new:{b64encode(NEW).decode()}, old:{b64encode(OLD).decode()}")

    assert ring.current == "new"
    assert ring.unwrap("ada", KeyRing({"old": OLD}, "old").new("ada"))


@pytest.mark.parametrize(
    "text",
    ["", "new", "new:", f"new:{b64encode(NEW[:31]).decode()}", "new:!" + "A" * 43, f":{b64encode(NEW).decode()}"],
)
def test_what_is_no_ring_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.from_text(text)

    assert len(text) < 5 or text.partition(":")[2] not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_name_is_given_once() -> None:
    key = b64encode(NEW).decode()
    with pytest.raises(ConfigurationError, match="same name"):
        KeyRing.from_text(f"new:{key},new:{key}")


@pytest.mark.parametrize(
    ("keys", "current"), [({"a": b"short"}, "a"), ({"a": OLD}, "b"), ({"a" * 64: OLD}, "a" * 64), ({"": OLD}, "")]
)
def test_a_ring_of_other_keys_or_without_its_current_one_is_refused(keys: dict[str, bytes], current: str) -> None:
    with pytest.raises(ConfigurationError):
        KeyRing(keys, current)


def test_no_key_is_in_any_repr() -> None:
    ring = KeyRing({"old": OLD}, "old")
    key = ring.new("ada")

    shown = repr((ring, Encryption(ring), key, ring.unwrap("ada", key)))

    for secret in (OLD, key.wrapped):
        assert repr(secret) not in shown
        assert secret.hex() not in shown
    assert "KeyRing(old; current=old)" in shown


@pytest.mark.parametrize("seconds", [0, -1, 86_401, float("nan")])
def test_keys_are_held_for_a_time_within_bounds(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="key_seconds"):
        Encryption(KeyRing({"old": OLD}, "old"), key_seconds=seconds)
