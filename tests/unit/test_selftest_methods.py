"""The table of methods under which the selftest stages its faults."""

from chat_persistence import ChatStore, ConversationRepository, DraftRepository, MessageRepository, UserChats
from chat_persistence.selftest.methods import METHODS

ASK_NOTHING = {"for_user", "unit_of_work", "user_keys", "aclose", "drafts.begin", "user_id"}
OF_A_DRAFT = {"drafts.write"}


def test_every_public_method_that_asks_the_database_is_in_it() -> None:
    """A method that is added without its place there fails."""
    kinds = {
        "conversations.": ConversationRepository,
        "messages.": MessageRepository,
        "drafts.": DraftRepository,
        "": UserChats,
    }
    methods = {prefix + name for prefix, kind in kinds.items() for name in vars(kind) if not name.startswith("_")}
    methods |= {name for name in dir(ChatStore) if not name.startswith("_")}

    assert methods - ASK_NOTHING | OF_A_DRAFT == {
        name.split()[0] for name in METHODS if not name.startswith("unit of work")
    }
