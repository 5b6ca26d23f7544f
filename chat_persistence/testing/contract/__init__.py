"""The promises of the repositories, as test classes for whoever wraps them.

Every test opens an event loop of its own, so the classes work under every plugin of pytest and every mode of it.
A wrapper that is bound to a loop is therefore made in `make_chats`, which runs in that of the test.
"""

from chat_persistence.testing.contract.chats import Chats, Conversations, Messages
from chat_persistence.testing.contract.conversations import ConversationsContract
from chat_persistence.testing.contract.isolation import IsolationContract
from chat_persistence.testing.contract.messages import MessagesContract


class UserChatsContract(ConversationsContract, MessagesContract, IsolationContract):
    """All promises of what `ChatStore.for_user` returns: override `make_chats` to return what wraps it.

    A test of something that a wrapper does not offer is left out by `test_… = None` in the subclass.
    """


__all__ = [
    "Chats",
    "Conversations",
    "ConversationsContract",
    "IsolationContract",
    "Messages",
    "MessagesContract",
    "UserChatsContract",
]
