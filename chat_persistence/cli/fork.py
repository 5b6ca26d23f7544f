"""The command `fork`: a conversation made of the beginning of another."""

from uuid import UUID

from chat_persistence.cli.database import on_store
from chat_persistence.cli.output import print_json, results
from chat_persistence.store import ChatStore
from chat_persistence.values import ConversationRead


def fork(
    url: str,
    schema: str | None,
    user_id: str,
    conversation_id: UUID,
    at_position: int,
    fork_id: UUID | None,
    *,
    as_json: bool,
) -> None:
    """Make it, and print its id."""

    async def make(store: ChatStore) -> ConversationRead:
        return await store.for_user(user_id).conversations.fork(conversation_id, at_position, fork_id=fork_id)

    made = on_store(url, schema, make)
    if as_json:
        print_json({"id": str(made.id), "messages": made.message_count, "forked_position": made.forked_position})
    else:
        results().print(str(made.id))
