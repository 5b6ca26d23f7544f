"""The self-check: everything that was played is read back by the public API and held against the corpus."""

from collections.abc import Callable, Iterable, Sequence

from chat_persistence import ChatStore, ConversationNotFound, ConversationRead, UserChats
from chat_persistence.cli.demo.comparison import differences
from chat_persistence.cli.demo.isolation import intrude
from chat_persistence.cli.demo.script import Script
from chat_persistence.cli.demo.users import by_user, together

PAGE = 100


async def verify(store: ChatStore, scripts: Sequence[Script], after_conversation: Callable[[], None]) -> list[str]:
    """Return a line for everything that is not as it should be, and nothing when all is well."""
    users = by_user(scripts)
    names = list(users)
    strangers = [pair for pair in zip(names, names[1:] + names[:1], strict=True) if len(names) > 1]
    # Before the reading: should a stranger get in, what it does to a conversation shows there.
    return [
        *await together(intrude(store.for_user(name), name, users[owner][0]) for name, owner in strangers),
        *await together(_verify_list(store.for_user(name), name, scripts) for name in names),
        *await together(_verify_all(store.for_user(name), own, after_conversation) for name, own in users.items()),
    ]


async def _verify_list(chat: UserChats, user_id: str, scripts: Iterable[Script]) -> list[str]:
    listed = await _list(chat)
    foreign = [conversation for conversation in listed if conversation.user_id != user_id]
    ids = {conversation.id for conversation in listed}
    return [
        f"{conversation.id}: {conversation.user_id}'s, and {user_id} sees it listed" for conversation in foreign
    ] + [
        f"{script.dialogue.place}: {script.user_id}'s, and wrong in the list of {user_id}"
        for script in scripts
        if (script.conversation_id in ids) != (script.user_id == user_id)
    ]


async def _list(chat: UserChats) -> list[ConversationRead]:
    page = await chat.conversations.page(PAGE)
    listed = list(page.items)
    while page.next_cursor is not None:
        page = await chat.conversations.page(PAGE, after=page.next_cursor)
        listed += page.items
    return listed


async def _verify_all(chat: UserChats, scripts: Iterable[Script], after_conversation: Callable[[], None]) -> list[str]:
    failures = []
    for script in scripts:
        failures += await _verify_conversation(chat, script)
        after_conversation()
    return failures


async def _verify_conversation(chat: UserChats, script: Script) -> list[str]:
    where, meant = script.dialogue.place, script.messages
    try:
        conversation = await chat.conversations.get(script.conversation_id)
    except ConversationNotFound:
        return [f"{where}: it is not there"]
    read = [message async for message in chat.messages.iterate(script.conversation_id)]
    failures = differences(where, read, meant, first_position=1)
    if (conversation.message_count, conversation.last_position) != (len(meant), len(meant)):
        failures.append(f"{where}: the counters of the conversation are not at {len(meant)}")
    if any((message.user_id, message.conversation_id) != (script.user_id, script.conversation_id) for message in read):
        failures.append(f"{where}: messages of another conversation came back")
    return failures
