"""Many users at once: who has which scripts, and a task for each of them."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from typing import Any

from chat_persistence.cli.demo.script import Script


def by_user(scripts: Iterable[Script]) -> dict[str, list[Script]]:
    """Return the scripts of each user."""
    users: dict[str, list[Script]] = defaultdict(list)
    for script in scripts:
        users[script.user_id].append(script)
    return dict(users)


async def together(works: Iterable[Coroutine[Any, Any, list[str]]]) -> list[str]:
    """Run all at the same time, and return the failures that they found; the first error ends them all."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
    return [failure for task in tasks for failure in task.result()]
