"""`python -m benchmarks.transfer`: files imported and chats exported, beside a COPY of the very rows.

The COPY is as bare as it can be: in its own binary format, from or to memory, by asyncpg alone and in one transaction;
nothing is parsed, checked or written by the client.
"""

import argparse
import asyncio
import io
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import asyncpg

from benchmarks import dialogue, server
from benchmarks.figures import Rounds, figures_of
from benchmarks.loops import Sample
from benchmarks.names import OURS, USER
from chat_persistence import ChatStore
from chat_persistence.connection import read_url
from chat_persistence.transfer import NDJSON, ChatGPTExport, FileSource, OpenAIChat, export_file, import_conversations
from chat_persistence.transfer.records import Format

RAW = "COPY of the same rows"
ROUNDS = 5
TURNS_EACH = 50
TABLES = ("conversations", "messages")
EPOCH = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was moved, and how long everybody took in each round."""

    messages: int
    file_bytes: int
    row_bytes: int
    rounds: Rounds


def openai_lines(conversations: int) -> Iterator[str]:
    """Yield a file of OpenAI's format, a line for each conversation, no two of them equal."""
    for number in range(conversations):
        messages: list[dict[str, Any]] = [{"role": "system", "content": f"You are assistant {number}."}]
        for turn in map(dialogue.turn, range(TURNS_EACH)):
            calls = [{"id": each["id"], "type": "function", "function": each} for each in turn.calls()]
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer, **({"tool_calls": calls} if calls else {})})
        yield json.dumps({"messages": messages[:-1]}, ensure_ascii=False) + "\n"


def chatgpt_array(conversations: int) -> Iterator[str]:
    """Yield an export of ChatGPT's."""
    for number in range(conversations):
        yield ("," if number else "[") + json.dumps(_tree(number))
    yield "]"


def _tree(number: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {}
    key = None
    for place in range(2 * TURNS_EACH):
        turn, parent = dialogue.turn(place // 2), key
        key = str(uuid5(NAMESPACE_URL, f"{number} {place}"))
        role, text = ("assistant", turn.answer) if place % 2 else ("user", turn.question)
        message = {
            "id": key,
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": EPOCH + place + 0.25,
            "content": {"content_type": "text", "parts": [text]},
            "status": "finished_successfully",
            "weight": 1.0,
            "metadata": {"model_slug": "gpt-4o", "request_id": key},
            "recipient": "all",
        }
        nodes[key] = {"id": key, "message": message, "parent": parent, "children": []}
    known = {"title": f"Conversation {number}", "create_time": EPOCH, "update_time": EPOCH + 1000, "current_node": key}
    return {**known, "mapping": nodes, "conversation_id": str(uuid5(NAMESPACE_URL, str(number)))}


KINDS: dict[str, tuple[Callable[[int], Iterator[str]], Format]] = {
    "openai": (openai_lines, OpenAIChat(user_id=USER)),
    "chatgpt": (chatgpt_array, ChatGPTExport(user_id=USER)),
}


async def compare_imports(url: str, path: Path, reader: Format) -> Comparison:
    """Import a file and copy its rows in turn, into tables that are emptied before; an operation is a message."""
    rounds: Rounds = {OURS: {}, RAW: {}}
    connection = await asyncpg.connect(read_url(url).dsn)
    async with ChatStore(url) as store:
        ours = partial(import_conversations, store, FileSource(path, reader))
        await _empty(connection)
        await ours()
        messages = await connection.fetchval("SELECT count(*) FROM messages")
        rows = {table: await _read(connection, table) for table in TABLES}
        for number in range(ROUNDS):
            await _empty(connection)
            rounds[OURS][number] = await _time(ours, messages)
            await _empty(connection)
            rounds[RAW][number] = await _time(partial(_copy, connection, rows), messages)
    await connection.close()
    return Comparison(messages, path.stat().st_size, sum(map(len, rows.values())), rounds)  # noqa: ASYNC240


async def compare_exports(url: str, path: Path, user_id: str | None) -> Comparison:
    """Export what is there into a file, and read its rows in turn; an operation is a message."""
    rounds: Rounds = {OURS: {}, RAW: {}}
    connection = await asyncpg.connect(read_url(url).dsn)
    messages = await connection.fetchval("SELECT count(*) FROM messages")
    async with ChatStore(url) as store:
        for number in range(ROUNDS):
            path.unlink(missing_ok=True)  # noqa: ASYNC240
            rounds[OURS][number] = await _time(partial(export_file, store, path, user_id), messages)
            rounds[RAW][number] = await _time(partial(_read_all, connection), messages)
    row_bytes = await _read_all(connection)
    await connection.close()
    return Comparison(messages, path.stat().st_size, row_bytes, rounds)  # noqa: ASYNC240


async def _empty(connection: "asyncpg.Connection") -> None:
    await connection.execute("TRUNCATE conversations CASCADE")
    await connection.execute("CHECKPOINT")


async def _time(act: Callable[[], Awaitable[Any]], messages: int) -> Sample:
    cpu, wall = time.process_time(), time.perf_counter()
    await act()
    return Sample(messages, time.perf_counter() - wall, time.process_time() - cpu)


async def _read(connection: "asyncpg.Connection", table: str) -> bytes:
    rows = io.BytesIO()
    await connection.copy_from_table(table, output=rows, format="binary")
    return rows.getvalue()


async def _read_all(connection: "asyncpg.Connection") -> int:
    async with connection.transaction():
        return sum([len(await _read(connection, table)) for table in TABLES])


async def _copy(connection: "asyncpg.Connection", rows: dict[str, bytes]) -> None:
    async with connection.transaction():
        for table in TABLES:
            await connection.copy_to_table(table, source=io.BytesIO(rows[table]), format="binary")


async def _run(url: str, conversations: int) -> None:
    databases = server.Databases(url)
    try:
        database = await databases.create("transfer")
        async with ChatStore(database) as store:
            await store.migrate()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "chats"
            for kind, (write, reader) in KINDS.items():
                path.write_text("".join(write(conversations)))
                _tell(f"import of {kind}", await compare_imports(database, path, reader))
            for whose, user_id in (("everybody", None), ("one user", USER)):
                _tell(f"export of {whose}", await compare_exports(database, path, user_id))
            _tell("import of ndjson", await compare_imports(database, path, NDJSON()))
    finally:
        await databases.drop()


def _tell(what: str, found: Comparison) -> None:
    figures, messages = figures_of(found.rounds, [RAW]), found.messages
    ours, raw = figures[OURS], figures[RAW]
    ratio = ours.ratios[RAW]
    sizes = f"{messages:,} messages, {found.file_bytes / 1e6:.0f} MB, {found.row_bytes / 1e6:.0f} MB of rows"
    seconds, raw_seconds, cpu = (each.median * messages / 1000 for each in (ours.wall_ms, raw.wall_ms, ours.cpu_ms))
    print(f"{what}: {sizes}")
    print(f"  {seconds:.2f} s, of which the client works {cpu:.2f} s; {RAW}: {raw_seconds:.2f} s")
    print(f"  {ratio.wall.median:.2f} times as long ({ratio.wall.low:.2f} to {ratio.wall.high:.2f})")


def main() -> None:
    """Run, on a server that is given or an embedded one, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer", description=__doc__)
    parser.add_argument("--url", help="a PostgreSQL on which databases may be made; else an embedded one is started")
    parser.add_argument("--conversations", type=int, default=1000, help="of 100 messages each")
    asked = parser.parse_args()
    with server.opened(asked.url) as url:
        asyncio.run(_run(url, asked.conversations))


if __name__ == "__main__":
    main()
