"""The command `history`: the newest messages of a conversation, oldest first."""

from uuid import UUID

from chat_persistence.cli.database import on_store
from chat_persistence.cli.printed_messages import print_message
from chat_persistence.store import ChatStore
from chat_persistence.values import MessageRead


def history(
    url: str,
    schema: str | None,
    user_id: str,
    conversation_id: UUID,
    limit: int | None,
    max_tokens: int | None,
    *,
    as_json: bool,
) -> None:
    """Print them, at most `limit`, within a budget of tokens if there is one."""

    async def read(store: ChatStore) -> list[MessageRead]:
        chat = store.for_user(user_id)
        await chat.conversations.get(conversation_id)
        return await chat.messages.last(conversation_id, limit, max_tokens=max_tokens)

    for message in on_store(url, schema, read):
        print_message(message, as_json=as_json)
