"""No user reaches another's rows: every method of the public API is tried on a stranger's conversation."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from chat_persistence import (
    ConversationNotFound,
    ConversationUpdate,
    MessageCreate,
    MessageNotFound,
    MessageRole,
    MetadataSwap,
    UserChats,
)
from chat_persistence.cli.demo.script import Script

Attempt = Callable[[UserChats, Script], Awaitable[Any]]

TITLE = "a stranger was here"


async def _append(chat: UserChats, script: Script) -> object:
    message = MessageCreate(role=MessageRole.USER, content=TITLE)
    return await chat.messages.append(script.conversation_id, message)


async def _page(chat: UserChats, script: Script) -> object:
    return (await chat.messages.page(script.conversation_id)).items


async def _iterate(chat: UserChats, script: Script) -> object:
    return [message async for message in chat.messages.iterate(script.conversation_id)]


NOT_FOUND: Mapping[str, Attempt] = {
    "conversations.get": lambda chat, of: chat.conversations.get(of.conversation_id),
    "conversations.get_with_messages": lambda chat, of: chat.conversations.get_with_messages(of.conversation_id),
    "conversations.update": lambda chat, of: chat.conversations.update(
        of.conversation_id, ConversationUpdate(title=TITLE)
    ),
    "conversations.swap_metadata": lambda chat, of: chat.conversations.swap_metadata(
        of.conversation_id, MetadataSwap(TITLE, {}, None)
    ),
    "conversations.rename": lambda chat, of: chat.conversations.rename(of.conversation_id, TITLE),
    "conversations.archive": lambda chat, of: chat.conversations.archive(of.conversation_id),
    "conversations.unarchive": lambda chat, of: chat.conversations.unarchive(of.conversation_id),
    "conversations.delete": lambda chat, of: chat.conversations.delete(of.conversation_id),
    "messages.append": _append,
    "messages.rewind": lambda chat, of: chat.messages.rewind(of.conversation_id, 0),
    "messages.get": lambda chat, of: chat.messages.get(of.messages[0].id),
    "messages.through": lambda chat, of: chat.messages.through(of.messages[0].id),
}

EMPTY: Mapping[str, Attempt] = {
    "messages.last": lambda chat, of: chat.messages.last(of.conversation_id),
    "messages.last_turns": lambda chat, of: chat.messages.last_turns(of.conversation_id, 5),
    "messages.page": _page,
    "messages.iterate": _iterate,
}


async def intrude(chat: UserChats, intruder: str, script: Script) -> list[str]:
    """Try everything on another user's script, and return a line for each method that let the intruder in."""
    worked = [name for name, attempt in NOT_FOUND.items() if not await _is_refused(attempt(chat, script))]
    worked += [name for name, attempt in EMPTY.items() if await attempt(chat, script)]
    return [f"{script.dialogue.place}: {intruder} reached it by {name}, and is not {script.user_id}" for name in worked]


async def _is_refused(attempt: Awaitable[object]) -> bool:
    try:
        await attempt
    except (ConversationNotFound, MessageNotFound):
        return True
    return False
