"""The side of a peer in the conversation with the benchmark: a line of JSON asks, a line of JSON answers.

What the peer's libraries print goes to stderr, so that stdout is ours alone.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, TextIO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from benchmarks.contender import Contender
from benchmarks.loops import Workload, time_crowd, time_workload, verify

Answers = dict[str, Callable[..., Awaitable[Any]]]


def serve(contender: Contender, packages: Sequence[str]) -> None:
    """Answer until there is nothing more to answer."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(_serve(contender, packages, answers))


async def _serve(contender: Contender, packages: Sequence[str], answers: TextIO) -> None:
    known = _answers(contender, packages)
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        try:
            answer = {"answer": await known[asked.pop("ask")](**asked)}
        except Exception as error:  # whatever a peer may raise is its answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")


def _answers(contender: Contender, packages: Sequence[str]) -> Answers:
    async def introduce() -> dict[str, Any]:
        versions = {package: version(package) for package in packages}
        return {"lists": contender.lists, "python": sys.version.split()[0], "versions": versions}

    async def fill(conversation: str, messages: int, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await contender.fill(conversation, messages)
        except TimeoutError:
            return False
        return True

    async def time(workload: dict[str, Any], operations: int) -> dict[str, Any]:
        asked = Workload(workload["action"], tuple(workload["conversations"]), workload["tasks"])
        return asdict(await time_workload(contender, asked, operations))

    async def crowd(users: int, seconds: float) -> dict[str, Any]:
        return asdict(await time_crowd(contender, users, seconds))

    async def check(conversation: str) -> None:
        await verify(contender, conversation)

    return {
        "introduce": introduce,
        "open": contender.open,
        "close": contender.close,
        "fill": fill,
        "verify": check,
        "time": time,
        "crowd": crowd,
    }


def sqlalchemy_url(url: str, driver: str = "asyncpg") -> str:
    """Return the URL as SQLAlchemy takes it for a driver; for asyncpg, `sslmode` is called `ssl`."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if driver == "asyncpg" and "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
        query.pop("channel_binding", None)
    return urlunsplit(parts._replace(scheme=f"postgresql+{driver}", query=urlencode(query)))
