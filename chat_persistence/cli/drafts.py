"""The command on replies whose processes are gone."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import typer

from chat_persistence.cli.database import open_database
from chat_persistence.cli.encryption import read_encryption
from chat_persistence.cli.output import notes, print_json
from chat_persistence.draft_values import DraftRead
from chat_persistence.store import ChatStore

End = Literal["abort", "finish", "discard"]


@dataclass(slots=True)
class Count:
    """What was found, and how much of it was ended."""

    found: int = 0
    characters: int = 0
    ended: int = 0


def drafts(url: str, schema: str | None, seconds: float, end: End | None, *, as_json: bool) -> None:
    """List the drafts to which nothing was added for so long, and end each if asked to. Run again, it goes on."""
    with open_database(url) as database, notes().status("looking for drafts") as status:
        count = Count()

        async def run() -> None:
            async with ChatStore(database.url, schema=schema, encryption=read_encryption()) as store:
                async for draft in _ended(store, seconds, end):
                    count.found += 1
                    count.characters += len(draft.content)
                    count.ended += end is not None
                    status.update(f"{count.found} drafts")
                    if not as_json:
                        typer.echo(_line(draft))

        asyncio.run(run())
    if as_json:
        print_json({"found": count.found, "characters": count.characters, "ended": count.ended})
    else:
        notes().print(f"{count.found} drafts, {count.ended} of them ended")


async def _ended(store: ChatStore, seconds: float, end: End | None) -> AsyncIterator[DraftRead]:
    async for draft in store.drafts(quiet_seconds=seconds):
        owners = store.for_user(draft.user_id).drafts
        if end == "discard":
            await owners.discard(draft.conversation_id, draft.id)
        elif end is not None:
            await (owners.abort if end == "abort" else owners.finish)(draft.conversation_id, draft.id)
        yield draft


def _line(draft: DraftRead) -> str:
    """Return its facts, separated by tabs, and nothing of what was said."""
    facts = (
        draft.user_id,
        draft.conversation_id,
        draft.id,
        f"{draft.updated_at:%Y-%m-%d %H:%M:%S}",
        len(draft.content),
    )
    return "\t".join(map(str, facts))
