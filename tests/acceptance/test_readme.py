"""The README's own lines, run as they stand."""

import gzip
import importlib
import json
import logging
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from textwrap import indent
from types import SimpleNamespace
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import asyncpg
import httpx
import pytest
from agents import Agent, set_tracing_disabled
from sqlalchemy.ext.asyncio import create_async_engine

from chat_persistence import (
    ChatStore,
    ConversationRead,
    MessageCreate,
    MetadataSwap,
    UserChats,
    UserNotFound,
    conversation_id_of,
)
from chat_persistence.settings import ChatSettings
from examples.openai_agents_session import TravelAgent, book
from tests.acceptance.test_testing import ASYNCIO, host, outcomes, run
from tests.migrations.commands import run as run_program
from tests.roles import as_role
from tests.transfer.reading import SAMPLES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str, heading: str) -> list[str]:
    """Return the fenced blocks of one section."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def test_run_it_and_test_it_are_one_line_each() -> None:
    for heading in ("Run it", "Test it"):
        (block,) = blocks("sh", heading)
        assert block.count("\n") == 1
        assert "python3 -m venv .venv && .venv/bin/pip install" in block


def test_the_first_example_runs_as_it_stands(tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(blocks("python", "Use it")[0])

    ran = subprocess.run(
        [sys.executable, program],
        env={"PATH": "/usr/bin:/bin", "CHAT_PERSISTENCE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (ran.returncode, ran.stdout) == (0, "1 user A train to Rome, please\n"), ran.stderr


def test_the_first_example_has_nine_lines_between_main_and_its_end() -> None:
    body = blocks("python", "Use it")[0].split("async def main() -> None:\n")[1].split("\n\n")[0]

    assert len(body.splitlines()) <= 9


async def test_a_budget_is_read_and_used_as_it_says(
    migrated_database: str, user_id: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    async with ChatStore(migrated_database) as store:
        conversation = await store.for_user(user_id).conversations.create()
    (block,) = [block for block in blocks("python", "The public face") if "max_tokens" in block]

    await run_block(block.replace('"ada"', repr(user_id)), conversation=conversation)

    assert capsys.readouterr().out == "Usage(messages=1, tokens=6, uncounted=0)\n" * 2


async def test_a_conversation_is_forked_as_it_says(chat: UserChats, conversation: ConversationRead) -> None:
    (question,) = await chat.messages.append(conversation.id, MessageCreate(role="user", content="A train to Rome"))
    (block,) = [block for block in blocks("python", "The public face") if ".fork(" in block]

    await run_block(block, chat=chat, conversation=conversation, question=question)

    forks = [each for each in (await chat.conversations.page()).items if each.forked_from == conversation.id]
    assert [[message.content for message in await chat.messages.last(fork.id)] for fork in forks] == [
        ["A train to Oslo, please"]
    ]


async def test_a_key_is_swapped_as_it_says(chat: UserChats, conversation: ConversationRead) -> None:
    (block,) = [block for block in blocks("python", "The public face") if "swap_metadata" in block]

    await run_block(block, chat=chat, conversation=conversation, MetadataSwap=MetadataSwap, uuid4=uuid4)

    swapped = await chat.conversations.get(conversation.id)
    assert (swapped.metadata["run"]["step"], swapped.message_count) == (2, 1)


async def test_an_agent_of_pydantic_ai_keeps_its_conversation_as_it_says(store: ChatStore, user_id: str) -> None:
    (block,) = blocks("python", "Pydantic AI")
    offline = block.replace('"ada"', repr(user_id)).replace('"openai:gpt-5"', '"test"')

    await run_block(offline, store=store)
    await run_block(offline, store=store)

    stored = await store.for_user(user_id).messages.last(conversation_id_of("trip"))
    assert [message.content for message in stored] == ["A train to Rome, please", "success (no tool calls)"] * 2


async def run_block(block: str, **names: object) -> None:
    """Run a block of the README that is a part of a coroutine, with what it takes for granted."""
    scope: dict[str, Any] = {"ChatStore": ChatStore, "MessageCreate": MessageCreate, **names}
    exec(f"async def block():\n{indent(block, '    ')}", scope)  # noqa: S102
    await scope["block"]()


async def test_the_access_log_is_written_as_it_says(
    migrated_database: str, user_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    access = logging.getLogger("chat_persistence.access")
    try:
        exec(blocks("python", "Be told")[0], {})  # noqa: S102
        async with ChatStore(migrated_database) as store:
            await store.for_user(user_id).conversations.page()
    finally:
        access.handlers, access.propagate = [], True
        access.setLevel(logging.NOTSET)

    assert re.search(rf" {user_id} None conversations.page: ok, [0-9.]+ ms\n$", capsys.readouterr().err)


async def test_messages_are_searched_as_it_says(
    empty_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (creating,), (searching,) = blocks("sh", "Search"), blocks("python", "Search")
    command = shlex.split(creating, comments=True)[1:]
    async with ChatStore(empty_database) as store:
        await store.migrate()
        await run_program(sys.executable, "-m", "chat_persistence", *command, DATABASE_URL=empty_database)
        chat = store.for_user("ada")
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, MessageCreate(role="user", content="the night train to Rome"))
        (tmp_path / "readme_search.py").write_text(f"async def search(chat):\n{indent(searching, '    ')}")
        await runpy.run_path(str(tmp_path / "readme_search.py"))["search"](chat)

    shown = "the <mark>night</mark> <mark>train</mark> to <mark>Rome</mark>"
    assert capsys.readouterr().out == f"{conversation.id} {shown}\n"


async def test_what_one_provider_said_goes_to_another_as_it_says(
    chat: UserChats, conversation: ConversationRead
) -> None:
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "A train to Rome"}]
    (block,) = blocks("python", "Provider formats")
    requests: list[dict[str, Any]] = []

    await run_block(
        f"{block}requests.append(request)\n", chat=chat, conversation=conversation, messages=messages, requests=requests
    )

    assert requests == [{"system": "Be brief.", "messages": [{"role": "user", "content": "A train to Rome"}]}]


async def test_row_level_security_is_switched_on_as_it_says(empty_database: str) -> None:
    name = empty_database.partition("?")[0].rpartition("/")[2]

    def renamed(block: str) -> str:
        """Return the block with roles that no other database of this server has."""
        return re.sub(r"\b(chat_app|chat_maintenance|web|operator)\b", rf"{name}_\1", block)

    (enabling,) = [block for block in blocks("sh", "Deploy it") if "row-level-security" in block]
    for command in renamed(enabling).splitlines():
        await run_program(sys.executable, "-m", "chat_persistence", *command.split()[1:], DATABASE_URL=empty_database)
    connection = await asyncpg.connect(empty_database)
    await connection.execute(renamed(blocks("sql", "Deploy it")[0]))
    async with ChatStore(as_role(empty_database, f"{name}_web"), row_level_security=True) as store:
        await store.check()
        await store.for_user("ada").conversations.create()
    async with ChatStore(as_role(empty_database, f"{name}_operator")) as store:
        users = await store.users()
    roles = [f"{name}_{role}" for role in ("chat_app", "chat_maintenance", "web", "operator")]
    await connection.execute("DROP OWNED BY {0}; DROP ROLE {0}".format(", ".join(roles)))
    await connection.close()

    assert users == ["ada"]


async def test_the_fastapi_application_serves_as_it_stands(
    migrated_database: str, user_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = "async def your_model(history):\n    yield history[-1].content.upper()\n"
    (tmp_path / "readme_app.py").write_text("\n".join([*blocks("python", "FastAPI"), model]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DATABASE_URL", migrated_database)
    app = importlib.import_module("readme_app").app
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://host", headers={"X-User": user_id}) as client,
    ):
        created = await client.post("/conversations", json={"role": "user", "content": "A train to Rome"})
        messages = f"/conversations/{created.json()['id']}/messages"
        reply = await client.post(messages, json={"role": "user", "content": "and back"})
        history = await client.get(messages)

    assert (created.status_code, created.json()["title"]) == (201, "A train to Rome")
    assert reply.text == "AND BACK"
    assert [message["content"] for message in history.json()["items"]] == ["A train to Rome", "and back", "AND BACK"]


async def test_an_agents_session_is_kept_as_it_says(store: ChatStore, user_id: str) -> None:
    (block,) = blocks("python", "OpenAI Agents")
    host: dict[str, Any] = {"ChatStore": ChatStore}
    exec(block.replace('"ada"', repr(user_id)), host)  # noqa: S102
    agent = Agent(name="Travel agent", model=TravelAgent(), tools=[book])
    set_tracing_disabled(True)

    answers = [await host["answer"](store, agent, question) for question in ("A train to Rome", "And back")]

    assert answers == ["1. A train to Rome: seat 1A", "2. And back: seat 1A"]
    assert len(await store.for_user(user_id).messages.last(conversation_id_of("rome"))) == 8


async def test_chats_are_exported_pruned_and_erased_as_it_says(
    tmp_path: Path, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[bytes] = []
    async with ChatStore(empty_database) as store:
        await store.migrate()
        for user in ("ada", "eve"):
            conversation = await store.for_user(user).conversations.create(title="Rome")
            await store.for_user(user).messages.append(conversation.id, MessageCreate(role="user", content="Hi"))
        await run_commands(["Export", "Retention"], tmp_path, empty_database)
        response = SimpleNamespace(write=partial(collect, written))
        for heading in ("Export", "Retention", "Erasure"):
            await run_block(blocks("python", heading)[0], store=store, response=response, timedelta=timedelta)
        await run_commands(["Erasure"], tmp_path, empty_database)

    told = [json.loads(line) for line in (tmp_path / "chats.ndjson").read_text().splitlines()]
    shown = [json.loads(line) for line in blocks("json", "Export")[0].splitlines()]
    assert keys_of(shown) == keys_of([*told[:3], told[-1]])
    assert gzip.decompress((tmp_path / "ada.ndjson.gz").read_bytes()) == b"".join(written)
    assert json.loads((tmp_path / "ada.jsonl").read_text()) == {"messages": [{"role": "user", "content": "Hi"}]}
    assert capsys.readouterr().out.startswith("0 0\nTrue 1 0 0 {'user_id': 'ada'")


async def run_commands(headings: list[str], folder: Path, url: str) -> None:
    """Run each line of the first shell blocks of some sections."""
    for line in "".join(blocks("sh", heading)[0] for heading in headings).splitlines():
        command = line.replace("chat-persistence", f"{sys.executable} -m chat_persistence", 1)
        await run_program("sh", "-c", command, cwd=folder, DATABASE_URL=url)


async def collect(pieces: list[bytes], piece: bytes) -> None:
    pieces.append(piece)


def keys_of(lines: list[dict[str, Any]]) -> list[list[str]]:
    """Return the names in each line, and within its one object."""
    return [[*line, *(name for value in line.values() if isinstance(value, dict) for name in value)] for line in lines]


async def test_chats_are_imported_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("chats.jsonl").write_bytes((SAMPLES / "openai.jsonl").read_bytes())
    connection = await asyncpg.connect(empty_database)
    await connection.execute((SAMPLES / "openai_agents.sql").read_text())
    await connection.execute("DELETE FROM agent_messages WHERE session_id = 'nobody'")
    await connection.close()
    urls = {"DATABASE_URL": empty_database, "OTHER_DATABASE_URL": empty_database}
    program: dict[str, Any] = {}
    exec(f"async def run(store):\n{indent(blocks('python', 'Import')[0], '    ')}", program)  # noqa: S102

    async with ChatStore(empty_database) as store:
        await store.migrate()
        with ZipFile("export.zip", "w") as archive:
            archive.writestr("conversations.json", (SAMPLES / "chatgpt.json").read_bytes())
        for line in blocks("sh", "Import")[0].splitlines():
            command = line.replace("chat-persistence", f"{sys.executable} -m chat_persistence", 1)
            await run_program("sh", "-c", command, cwd=tmp_path, **urls)
        users = await store.users()
        with ZipFile("export.zip", "a") as archive:
            archive.writestr("conversations-001.json", '[{"title": "Broken"}]')
        await program["run"](store)

    assert users == ["ada", "grace"]
    assert capsys.readouterr().out == "0 0 2\nconversations-001.json, item 1 mapping: Field required\n"


async def test_messages_are_encrypted_and_keys_rotated_as_it_says(
    empty_database: str, chat_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporting, rotating = [
        block for block in blocks("sh", "Deploy it") if "ENCRYPTION_KEYS" in block or "rotate-keys" in block
    ]
    keys = (await run_program("sh", "-c", f'{exporting}printf %s "$CHAT_PERSISTENCE_ENCRYPTION_KEYS"')).strip()
    monkeypatch.setenv("CHAT_PERSISTENCE_ENCRYPTION_KEYS", keys)
    monkeypatch.setenv("DATABASE_URL", empty_database)
    monkeypatch.setenv("KEYS_DATABASE_URL", chat_database)
    async with ChatStore() as store:
        await store.migrate()
    (block,) = [block for block in blocks("python", "Deploy it") if "Encryption" in block]
    host: dict[str, Any] = {"MessageCreate": MessageCreate}
    exec(block, host)  # noqa: S102
    await host["serve"]()
    command = rotating.split()[1]

    printed = await run_program(sys.executable, "-m", "chat_persistence", command, "--json")

    assert json.loads(printed) == {"seen": 0, "outdated": 0, "rewrapped": 0, "current": "2026-11", "dry_run": False}


async def test_a_conversation_is_followed_as_it_says(migrated_database: str, user_id: str) -> None:
    example: dict[str, Any] = {}
    exec(blocks("python", "Follow")[0], example)  # noqa: S102
    async with ChatStore(migrated_database) as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, *[MessageCreate(role="user", content=word) for word in ("a", "b")])
        told = []
        async for event in example["events"](chat, conversation.id, 1):
            told.append(event)
            if len(told) == 1:
                await chat.messages.append(conversation.id, MessageCreate(role="assistant", content="c"))

    assert told == ['id: 2\ndata: "b"\n\n', 'id: 3\ndata: "c"\n\n']


async def test_a_reply_is_received_and_recovered_as_it_says(chat: UserChats, conversation: ConversationRead) -> None:
    async def your_model(_: object) -> AsyncIterator[str]:
        for token in ("A ", "train"):
            yield token

    receive, recover = blocks("python", "Streaming replies")
    names = {"chat": chat, "conversation": conversation, "your_model": your_model, "history": []}
    body = indent(receive + recover, "    ")
    exec(f"async def program():\n{body}\n    return message", names)  # noqa: S102
    program: Any = names["program"]
    message = await program()

    assert (message.content, message.token_count, message.metadata) == ("A train", 42, {"model": "yours"})
    assert await chat.messages.last(conversation.id) == [message]


async def test_users_are_linked_as_it_says(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    await connection.execute("CREATE TABLE users (id text PRIMARY KEY)")
    (linking,) = [block for block in blocks("sh", "Deploy it") if "link-users" in block]
    async with ChatStore(empty_database) as store:
        await store.migrate()
        await run_program(
            sys.executable,
            "-m",
            "chat_persistence",
            *shlex.split(linking, comments=True)[1:],
            DATABASE_URL=empty_database,
        )
        with pytest.raises(UserNotFound):
            await store.for_user("ada").conversations.create()
    await connection.close()


@pytest.mark.parametrize("schema", [None, "chat"])
async def test_a_sqlmodel_application_reads_and_commits_with_ours_as_it_says(
    empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: str | None
) -> None:
    (block,) = [block for block in blocks("python", "Deploy it") if "SQLModel" in block]
    (tmp_path / f"readme_models_{schema}.py").write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    host = importlib.import_module(f"readme_models_{schema}")
    engine = create_async_engine(
        empty_database.replace("postgresql:", "postgresql+asyncpg:"),
        connect_args={"server_settings": {"search_path": f"public,{schema or 'public'}"}},
    )
    async with engine.begin() as connection:
        await connection.run_sync(host.User.__table__.create)
    async with ChatStore(empty_database, schema=schema) as store:
        await store.migrate()
        await host.sign_up(engine, store, host.User(id="ada", email="ada@example.org"))

    assert await host.read(engine) == [("ada@example.org", 1)]
    await engine.dispose()
    host.SQLModel.metadata.remove(host.User.__table__)


def test_your_own_tests_run_as_it_says(tmp_path: Path, database_url: str) -> None:
    conftest, own, contract = blocks("python", "Your own tests")
    (tmp_path / "test_ours.py").write_text(contract)
    (tmp_path / "your_application.py").write_text("def OurChats(chats):\n    return chats\n")

    folder = host(tmp_path, own, f"{ASYNCIO}\nasyncio_mode = auto\npythonpath = .", conftest)
    ran = run(folder, server=database_url)

    assert outcomes(ran) == "38 passed", ran.stdout


async def test_the_embedded_server_tells_its_url_as_it_says(tmp_path: Path) -> None:
    (line,) = [block for block in blocks("sh", "Deploy it") if "embedded.start" in block]
    line = line.replace("python", sys.executable, 1)

    printed = await run_program("sh", "-c", f"{line} </dev/null", CHAT_PERSISTENCE_HOME=str(tmp_path))

    assert printed.startswith("postgresql://")


async def test_the_settings_are_used_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_database: str
) -> None:
    body = indent("\n".join(blocks("python", "Settings")), "    ")
    (tmp_path / "program.py").write_text(f"import asyncio\n\nasync def main():\n{body}\nasyncio.run(main())\n")
    (tmp_path / ".env").write_text(f"DATABASE_URL={migrated_database}\n")
    monkeypatch.delenv("DATABASE_URL", raising=False)

    await run_program(sys.executable, "program.py", cwd=tmp_path)


def test_every_setting_is_in_the_table_with_its_default() -> None:
    table = README.split("\n## Settings\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `CHAT_PERSISTENCE_(\w+)`[^|]*\|([^|]*)\|([^|]*)\|[^|]+\|$", table, re.MULTILINE)
    told = {name: default.strip(" `") for name, _, default in rows}

    settings = {name.rstrip("_").upper(): field.default for name, field in ChatSettings.model_fields.items()}
    settings["DATABASE_URL"] = settings.pop("URL")
    assert told.keys() == settings.keys()
    for name, default in settings.items():
        assert default is None or told[name] == str(default), name


def test_every_public_method_is_in_the_public_face() -> None:
    from chat_persistence import ConversationRepository, DraftRepository, MessageRepository

    face = README.split("\n## The public face\n")[1].split("\n### ")[0]
    for kind in (ChatStore, ConversationRepository, DraftRepository, MessageRepository):
        for name in vars(kind):
            assert name.startswith("_") or f"{name}(" in face, name
