"""URLs that lead elsewhere say what they were made of."""

from chat_persistence.connection_url import take_apart
from chat_persistence.selftest.addresses import with_database, with_parameters

URL = "postgresql://me:p%40ss+word@db.example:6000/ours?sslmode=require"


def test_what_is_added_is_read_as_it_was_given() -> None:
    assert take_apart(with_parameters(URL, application_name="a b+c/d")).parameters["application_name"] == "a b+c/d"


def test_what_is_not_changed_stays() -> None:
    hosts, said = take_apart(with_database(URL, "theirs"))

    assert (hosts[0].name, hosts[0].port) == ("db.example", "6000")
    assert said == {"user": "me", "password": "p@ss+word", "dbname": "theirs", "sslmode": "require"}
