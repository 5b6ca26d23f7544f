"""The names of contenders, users and conversations, and the ids that stand for them."""

from functools import cache
from uuid import NAMESPACE_URL, UUID, uuid5

OURS = "chat_persistence"
ASYNCPG = "asyncpg"
FLOOR = "asyncpg without reset"
TUTORIAL = "SQLAlchemy ORM tutorial"

USER = "ada"
LISTER = "lister"


@cache
def conversation_id(name: str) -> UUID:
    """Return the id of a conversation, the same in every process."""
    return uuid5(NAMESPACE_URL, name)


def owner_of(name: str) -> str:
    """Return whose the conversation is: the lister's are there to be listed."""
    return LISTER if name.startswith("listed-") else USER


def sized(messages: int) -> str:
    """Name the conversation that has so many messages."""
    return f"size-{messages}"


def numbered(kind: str, count: int) -> tuple[str, ...]:
    """Name so many conversations of a kind."""
    return tuple(f"{kind}-{number}" for number in range(count))
