"""The contract notices what is wrong with a wrapper, and every test of it notices something."""

import re
from pathlib import Path

import pytest

from chat_persistence.testing import UserChatsContract
from tests.acceptance import broken_wrappers
from tests.acceptance.test_testing import host, run

pytestmark = pytest.mark.xdist_group("hosts that test")

WRAPPERS = {name: wrapper for name, wrapper in vars(broken_wrappers).items() if name.startswith("Test")}

RACES = {
    "test_an_append_whose_caller_is_cancelled_is_stored_whole_or_not",
    "test_appends_at_once_leave_no_gap_and_none_is_lost",
    "test_the_same_append_twice_at_once_is_stored_once",
}
"""They notice what they are to notice, and with some luck more."""


def test_each_broken_wrapper_fails_the_tests_that_say_what_is_wrong(tmp_path: Path, database_url: str) -> None:
    tests = Path(broken_wrappers.__file__).read_text()

    ran = run(host(tmp_path, tests), "--tb=no", "-rf", server=database_url)

    failed: dict[str, set[str]] = {name: set() for name in WRAPPERS}
    for name, test in re.findall(r"^FAILED \S+::(\w+)::(\w+)", ran.stdout, re.MULTILINE):
        failed[name].add(test)
    expected = {name: wrapper.breaks for name, wrapper in WRAPPERS.items()}
    assert {name: tests - (RACES - expected[name]) for name, tests in failed.items()} == expected


def test_no_test_of_the_contract_passes_whatever_the_wrapper_does() -> None:
    noticed = set().union(*[wrapper.breaks for wrapper in WRAPPERS.values()])

    assert noticed == {name for name in dir(UserChatsContract) if name.startswith("test_")}
