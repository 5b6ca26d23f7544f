"""For a host's own tests: `pytest_plugins = ["chat_persistence.testing"]` in its conftest gives the fixtures.

`UserChatsContract` is for hosts that wrap the repositories: it tests that the wrapper keeps their promises.

PYTEST_DONT_REWRITE: there is no assert here, and a conftest that imports from here first would be warned of it.
"""

from chat_persistence.testing.contract import (
    Chats,
    Conversations,
    ConversationsContract,
    IsolationContract,
    Messages,
    MessagesContract,
    UserChatsContract,
)

__all__ = [
    "Chats",
    "Conversations",
    "ConversationsContract",
    "IsolationContract",
    "Messages",
    "MessagesContract",
    "UserChatsContract",
]

pytest_plugins = ["chat_persistence.testing.fixtures"]
