"""The command that tells what a user has used."""

import asyncio
from dataclasses import asdict

from chat_persistence.cli.database import open_database
from chat_persistence.cli.output import print_json, results
from chat_persistence.store import ChatStore
from chat_persistence.usage import Usage


def usage(url: str, user_id: str, schema: str | None, *, as_json: bool) -> None:
    """Print the messages and the tokens of all of a user's conversations."""
    with open_database(url) as database:
        found = asyncio.run(_ask(database.url, user_id, schema))
    if as_json:
        print_json(asdict(found))
    else:
        results().print(f"{found.tokens} tokens in {found.messages} messages, {found.uncounted} of them uncounted")


async def _ask(url: str, user_id: str, schema: str | None) -> Usage:
    async with ChatStore(url, schema=schema) as store:
        return await store.for_user(user_id).usage()
