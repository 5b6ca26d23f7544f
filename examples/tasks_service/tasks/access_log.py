"""What the service tells of its chats, on the standard error: ids and durations, and never what is said."""

import logging


def start() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(user_id)s %(conversation_id)s %(message)s"))
    access = logging.getLogger("chat_persistence.access")
    access.handlers = [handler]
    access.setLevel(logging.INFO)
    access.propagate = False
