"""URLs that the selftest makes of a given one."""

import pytest

from chat_persistence.connection_url import take_apart
from chat_persistence.selftest.addresses import through, with_database, with_parameters


@pytest.mark.parametrize("value", ["two words", "a+b", "100%", "&=?@/", "ä"])
def test_what_is_added_to_a_url_is_read_back_from_it(value: str) -> None:
    url = with_parameters("postgresql://ada:secret@db:5433/chats?sslmode=disable", application_name=value)

    hosts, said = take_apart(url)
    assert said["application_name"] == value
    assert (hosts[0], said["user"], said["password"], said["dbname"]) == (("db", "5433"), "ada", "secret", "chats")


@pytest.mark.parametrize("query", ["sslmode=verify-full&sslrootcert=system", "sslrootcert=system"])
def test_through_a_port_of_this_machine_no_certificate_is_verified(query: str) -> None:
    hosts, said = take_apart(through(f"postgresql://db/chats?{query}", 5000))

    assert hosts == [("127.0.0.1", "5000")]
    assert (said["sslmode"], said.get("sslrootcert")) == ("require", None)


def test_what_is_not_changed_stays() -> None:
    hosts, said = take_apart(with_database("postgresql://me:p%40ss+word@db:6000/ours?sslmode=require", "theirs"))

    assert hosts == [("db", "6000")]
    assert said == {"user": "me", "password": "p@ss+word", "dbname": "theirs", "sslmode": "require"}
