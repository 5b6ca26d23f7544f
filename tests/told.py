"""What an answer tells, but for its times, which only the server knows."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chat_persistence import (
    ChatPersistenceError,
    ConversationRead,
    ConversationWithMessages,
    DraftRead,
    ErasureReceipt,
    MessageRead,
    Page,
)

ONCE = datetime(2000, 1, 1, tzinfo=UTC)


def told(answer: Any) -> Any:
    """Return an answer without its times."""
    match answer:
        case ConversationRead():
            archived_at = answer.archived_at and ONCE
            return replace(answer, created_at=ONCE, updated_at=ONCE, archived_at=archived_at)
        case MessageRead():
            return replace(answer, created_at=ONCE)
        case DraftRead():
            return replace(answer, started_at=ONCE, updated_at=ONCE)
        case ConversationWithMessages():
            return told(answer.conversation), told(answer.messages)
        case Page():
            return told(list(answer.items)), answer.next_cursor is None
        case list():
            return [told(each) for each in answer]
        case ErasureReceipt():
            return answer.to_dict() | {"finished_at": ONCE}
        case ChatPersistenceError():
            return type(answer), str(answer)
    return answer


async def everything(chats: Any) -> Any:
    """Return all conversations as they are listed, each with all of its messages, whose times must not decrease."""
    listed = []
    for archived in (False, True):
        for conversation in (await chats.conversations.page(1000, archived=archived)).items:
            both = await chats.conversations.get_with_messages(conversation.id, 1000)
            times = [conversation.created_at, *[each.created_at for each in both.messages], conversation.updated_at]
            listed.append((archived, told(conversation), told(both), times == sorted(times)))
    return listed
