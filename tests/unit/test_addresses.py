"""Database URLs that the selftest changes say the same to libpq and to us."""

from chat_persistence.connection_url import take_apart
from chat_persistence.selftest.addresses import with_parameters


def test_a_parameter_comes_back_as_it_was_given() -> None:
    url = with_parameters("postgresql://ada@localhost:5432/chats", application_name="a b+c&d=%")

    assert take_apart(url)[1]["application_name"] == "a b+c&d=%"
