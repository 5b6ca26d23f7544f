"""The checks of the selftest leave nothing out."""

import inspect

from chat_persistence import ChatStore, ConversationRepository, DraftRepository, MessageRepository, UserChats
from chat_persistence.selftest.all_checks import CHECKS
from chat_persistence.selftest.checks.black_hole import METHODS

ASKING = {
    "conversations.": ConversationRepository,
    "messages.": MessageRepository,
    "drafts.": DraftRepository,
    "": UserChats,
}


def asynchronous(kind: type) -> set[str]:
    return {
        name
        for name, method in vars(kind).items()
        if not name.startswith("_") and (inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method))
    }


def test_every_public_method_is_called_in_the_black_hole() -> None:
    called = {f"{prefix}{name}" for prefix, kind in ASKING.items() for name in asynchronous(kind)}

    assert set(METHODS) == called | {"drafts.write"} | asynchronous(ChatStore) - {"aclose"}


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in CHECKS]

    assert sorted(set(names)) == sorted(names)
