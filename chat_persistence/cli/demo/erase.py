"""Taking away what the demo stored."""

from dataclasses import dataclass

from chat_persistence import ChatStore
from chat_persistence.cli.demo.script import USER_PREFIX

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Erased:
    """How much there was; the fields are the keys of `--json`."""

    users: int
    conversations: int


async def erase(url: str, *, migrate: bool) -> Erased:
    """Erase every user of the demo, whatever run made it."""
    async with ChatStore(url) as store:
        await (store.migrate() if migrate else store.check())
        users = await _demo_users(store)
        conversations = [await store.for_user(user_id).erase() for user_id in users]
    return Erased(len(users), sum(conversations))


async def _demo_users(store: ChatStore) -> list[str]:
    found: list[str] = []
    # They stand next to each other, because users come by their bytes.
    while page := await store.users(after=found[-1] if found else USER_PREFIX, limit=PAGE):
        found += [user_id for user_id in page if user_id.startswith(USER_PREFIX)]
        if not page[-1].startswith(USER_PREFIX):
            break
    return found
