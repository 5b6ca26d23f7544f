"""What the tests of imports read: what a format finds in a file, and what is stored of it."""

import json
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from chat_persistence import ConversationLoad, ConversationRead, MessageCreate, MessageRead, UserChats
from chat_persistence.transfer import BadRecord, FoundConversation
from chat_persistence.transfer.records import Format, Record

SAMPLES = Path(__file__).parent / "samples"

Line = tuple[str, str]


def sample(name: str, format: Format) -> list[ConversationLoad]:
    """Return the conversations of a sample, none of which is bad."""
    with (SAMPLES / name).open("rb") as file:
        return conversations(format.records(file))


def conversations(records: Iterable[Record]) -> list[ConversationLoad]:
    found = []
    for record in records:
        assert isinstance(record, FoundConversation), record
        found.append(record.conversation)
    return found


def read(format: Format, written: bytes | str) -> list[Record]:
    return list(format.records(BytesIO(written if isinstance(written, bytes) else written.encode())))


def bad(records: Iterable[Record]) -> list[tuple[str, str]]:
    return [(record.place, record.reason) for record in records if isinstance(record, BadRecord)]


def seen(messages: Iterable[MessageCreate | MessageRead]) -> list[Line]:
    """Return what a person sees: the sides and the texts, without what has none."""
    return [(message.role.value, message.content) for message in messages if message.content]


async def stored(chat: UserChats) -> list[tuple[ConversationRead, list[MessageRead]]]:
    """Return all conversations of a user, archived ones too, with all of their messages, in the order of their ids."""
    found = []
    for archived in (False, True):
        cursor = None
        while True:
            page = await chat.conversations.page(100, after=cursor, archived=archived)
            found += [(each, await history(chat, each.id)) for each in page.items]
            if (cursor := page.next_cursor) is None:
                break
    return sorted(found, key=lambda pair: pair[0].id)


async def history(chat: UserChats, id: UUID) -> list[MessageRead]:
    return [message async for message in chat.messages.iterate(id)]


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)
