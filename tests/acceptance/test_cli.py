"""The command line, run as a person or a script runs it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from chat_persistence import ChatStore, Encryption, KeyRing, MessageCreate, SchemaMismatch
from tests.roles import new_role

NOWHERE = "postgresql://ada:hunter2@localhost:1/chats"

WITHOUT_TYPER = "import sys; sys.modules['typer'] = None; from chat_persistence.cli import main; main()"

LOADED = "import sys, chat_persistence; print({'typer', 'rich', 'yaml', 'chat_persistence.cli'} & set(sys.modules))"


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "FORCE_COLOR")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=inherited | environment, capture_output=True, text=True, check=False)


def chat_persistence(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "chat_persistence", *arguments, **environment)


def test_an_upgrade_ends_at_the_revision_that_status_then_finds_current(empty_database: str) -> None:
    upgraded = chat_persistence("upgrade", "--url", empty_database)
    found = chat_persistence("status", "--json", DATABASE_URL=empty_database)
    status = json.loads(found.stdout)
    assert (upgraded.returncode, found.returncode) == (0, 0)
    assert status == {"current": status["head"], "head": status["head"], "is_current": True, "is_newer": False}
    assert upgraded.stdout == f"the tables are at {status['head']}\n"


def test_status_exits_with_3_and_names_the_command_where_there_are_no_tables(empty_database: str) -> None:
    found = chat_persistence("status", "--url", empty_database)
    assert found.returncode == 3
    assert "run `chat-persistence upgrade`" in found.stdout


def test_it_means_the_database_and_the_schema_that_the_settings_mean(empty_database: str) -> None:
    named = {
        "CHAT_PERSISTENCE_DATABASE_URL": empty_database,
        "CHAT_PERSISTENCE_SCHEMA": "chat",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/other",
    }
    upgraded = chat_persistence("upgrade", **named)
    found = chat_persistence("status", "--url", empty_database, "--schema", "chat")
    assert (upgraded.returncode, found.returncode) == (0, 0), upgraded.stderr


async def test_a_downgrade_to_base_takes_the_tables_away(empty_database: str) -> None:
    async with ChatStore(empty_database) as store:
        await store.migrate()
        downgraded = chat_persistence("downgrade", "base", "--url", empty_database)
        with pytest.raises(SchemaMismatch):
            await store.check()
    assert (downgraded.returncode, downgraded.stdout) == (0, "the tables are gone\n")


async def test_the_tables_live_in_the_schema_that_is_given(empty_database: str) -> None:
    async with ChatStore(empty_database, schema="chat") as store:
        await store.migrate()
    in_schema = chat_persistence("status", "--url", empty_database, "--schema", "chat")
    outside = chat_persistence("status", "--url", empty_database)
    assert (in_schema.returncode, outside.returncode) == (0, 3)


def test_the_sql_of_an_upgrade_is_printed_without_any_database() -> None:
    printed = chat_persistence("upgrade", "--sql")
    assert printed.returncode == 0
    assert "CREATE TABLE conversations" in printed.stdout


async def test_row_level_security_is_switched_on_and_off(empty_database: str) -> None:
    async with ChatStore(empty_database) as store:
        await store.migrate()
    forced = "SELECT count(*) FROM pg_class WHERE relforcerowsecurity"
    async with new_role(empty_database) as role:
        connection = await asyncpg.connect(empty_database)
        enabled = chat_persistence("row-level-security", "enable", "--role", role, DATABASE_URL=empty_database)
        tables = await connection.fetchval(forced)
        disabled = chat_persistence("row-level-security", "disable", "--url", empty_database)
        left = await connection.fetchval(forced)
        await connection.close()

    assert (enabled.returncode, disabled.returncode, tables, left) == (0, 0, 4, 0)
    assert role in enabled.stdout


async def test_keys_are_counted_and_wrapped_anew(chat_database: str) -> None:
    old, new = (f"{name}:{b64encode(name.encode() * 8).decode()}" for name in ("2025", "2026"))
    async with ChatStore(chat_database, encryption=Encryption(KeyRing.from_text(old))) as store:
        message = MessageCreate(role="user", content="Rome")
        (stored,) = await store.for_user("ada").messages.append(uuid4(), message, create_conversation=True)
    environment = {"DATABASE_URL": chat_database, "CHAT_PERSISTENCE_ENCRYPTION_KEYS": f"{new},{old}"}

    counted = chat_persistence("rotate-keys", "--dry-run", **environment)
    rotated = chat_persistence("rotate-keys", **environment)
    again = chat_persistence("rotate-keys", "--json", **environment)

    assert counted.stdout == "1 of 1 keys are not wrapped by 2026 yet\n"
    assert rotated.stdout == "1 of 1 keys are now wrapped by 2026\n"
    assert json.loads(again.stdout) == {"seen": 1, "outdated": 0, "rewrapped": 0, "current": "2026", "dry_run": False}
    async with ChatStore(chat_database, encryption=Encryption(KeyRing.from_text(new))) as store:
        assert (await store.for_user("ada").messages.get(stored.id)).content == "Rome"


async def test_what_is_imported_is_encrypted_and_what_is_exported_is_not(chat_database: str, tmp_path: Path) -> None:
    keys = {"CHAT_PERSISTENCE_ENCRYPTION_KEYS": f"2026:{b64encode(bytes(range(32))).decode()}"}
    environment = {"DATABASE_URL": chat_database, **keys}
    chats = tmp_path / "chats.jsonl"
    chats.write_text('{"messages": [{"role": "user", "content": "gondola"}, {"role": "assistant", "content": "Hi"}]}')

    imported = chat_persistence("import", "openai", str(chats), "--user", "ada", **environment)
    exported = chat_persistence("export", "--user", "ada", **environment)
    without = chat_persistence("export", "--user", "ada", DATABASE_URL=chat_database)

    assert imported.returncode == 0, imported.stderr
    assert "gondola" in exported.stdout
    assert (without.returncode, "gondola" in without.stdout) == (1, False)
    assert "open the store with its encryption" in without.stderr


@pytest.mark.parametrize("keys", [None, "2026", "2026:c2VjcmV0"])
def test_without_master_keys_none_is_rotated_and_none_is_shown(keys: str | None) -> None:
    given = {} if keys is None else {"CHAT_PERSISTENCE_ENCRYPTION_KEYS": keys}

    failed = chat_persistence("rotate-keys", "--url", NOWHERE, **given)

    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (1, "", 1)
    assert "master keys" in failed.stderr
    assert "c2VjcmV0" not in failed.stderr


@pytest.mark.parametrize("act", [("enable", "--role", "chat_app"), ("disable",)])
def test_the_sql_of_row_level_security_is_printed_without_any_database(act: tuple[str, ...]) -> None:
    printed = chat_persistence("row-level-security", *act, "--sql", "--schema", "chat")
    assert printed.returncode == 0
    assert printed.stdout.startswith("BEGIN;\n")
    assert '"chat"' in printed.stdout


def test_row_level_security_before_the_tables_exits_with_3(empty_database: str) -> None:
    refused = chat_persistence("row-level-security", "enable", "--role", "chat_app", "--url", empty_database)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "run `chat-persistence upgrade`" in refused.stderr


async def test_users_are_linked_once_nobody_is_missing(empty_database: str) -> None:
    async with ChatStore(empty_database) as store:
        await store.migrate()
        for user in ("ada", "eve"):
            await store.for_user(user).conversations.create()
    connection = await asyncpg.connect(empty_database)
    await connection.execute('CREATE TABLE "user" (id text PRIMARY KEY)')
    link = ("link-users", "--table", "user", "--on-delete", "restrict", "--url", empty_database)
    refused = chat_persistence(*link)
    await connection.execute("""INSERT INTO "user" VALUES ('ada'), ('eve')""")
    linked = [chat_persistence(*link) for _ in range(2)]
    unlinked = chat_persistence("unlink-users", DATABASE_URL=empty_database)
    await connection.close()

    assert (refused.returncode, refused.stdout) == (1, "ada\neve\n")
    assert refused.stderr.startswith("error: 2 users who have conversations")
    assert [(each.returncode, each.stdout) for each in linked] == [(0, "conversations are linked to your users\n")] * 2
    assert (unlinked.returncode, unlinked.stdout) == (0, "conversations are not linked to your users any more\n")


@pytest.mark.parametrize("act", [("link-users", "--table", "user", "--type", "uuid"), ("unlink-users",)])
def test_the_sql_of_a_link_is_printed_without_any_database(act: tuple[str, ...]) -> None:
    printed = chat_persistence(*act, "--sql", "--schema", "chat")
    assert printed.returncode == 0
    assert 'ALTER TABLE "chat"."conversations"' in printed.stdout


async def test_what_a_user_used_is_told(empty_database: str) -> None:
    async with ChatStore(empty_database) as store:
        await store.migrate()
        batch = [MessageCreate(role="user", content="Hi", token_count=count) for count in (7, None)]
        await store.for_user("ada").messages.append(uuid4(), *batch, create_conversation=True)
    printed = chat_persistence("usage", "ada", "--json", "--url", empty_database)
    told = chat_persistence("usage", "nobody", DATABASE_URL=empty_database)

    assert json.loads(printed.stdout) == {"messages": 2, "tokens": 7, "uncounted": 1}
    assert told.stdout == "0 tokens in 0 messages, 0 of them uncounted\n"


async def test_the_index_for_search_is_created_and_dropped(empty_database: str) -> None:
    async with ChatStore(empty_database) as store:
        await store.migrate()
        create = ("search-index", "create", "--language", "german", "--url", empty_database)
        created = [chat_persistence(*create) for _ in range(2)]
        dropped = chat_persistence(
            "search-index", "drop", DATABASE_URL=empty_database, CHAT_PERSISTENCE_SEARCH_LANGUAGE="german"
        )

    searched = (0, "messages can be searched in the language german\n", "")
    assert [(each.returncode, each.stdout, each.stderr) for each in created] == [searched] * 2
    assert (dropped.returncode, dropped.stdout) == (0, "messages cannot be searched in the language german any more\n")


@pytest.mark.parametrize(
    ("act", "words"), [("create", "CREATE INDEX CONCURRENTLY"), ("drop", "DROP INDEX CONCURRENTLY")]
)
def test_the_sql_of_the_index_for_search_is_printed_without_any_database(act: str, words: str) -> None:
    printed = chat_persistence("search-index", act, "--sql", "--schema", "chat")
    assert printed.returncode == 0
    assert words in printed.stdout
    assert "chat." in printed.stdout


@pytest.mark.parametrize("language", ["klingon", "Not a name"])
async def test_a_language_of_search_that_is_none_is_one_line(empty_database: str, language: str) -> None:
    async with ChatStore(empty_database) as store:
        await store.migrate()
    failed = chat_persistence("search-index", "create", "--language", language, "--url", empty_database)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("downgrade",),
        ("usage",),
        ("demo", "--users", "0"),
        ("row-level-security", "enable"),
        ("link-users",),
    ],
)
def test_wrong_usage_exits_with_2_and_prints_nothing_to_stdout(arguments: tuple[str, ...]) -> None:
    refused = chat_persistence(*arguments)
    assert (refused.returncode, refused.stdout) == (2, "")


@pytest.mark.parametrize("url", [NOWHERE, NOWHERE.replace("postgresql", "mysql")])
def test_a_failure_is_one_line_without_the_password(url: str) -> None:
    failed = chat_persistence("upgrade", "--url", url)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.count("\n") == 1
    assert "hunter2" not in failed.stderr


def test_a_revision_that_is_not_there_is_one_line(empty_database: str) -> None:
    failed = chat_persistence("upgrade", "no-such-revision", "--url", empty_database)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize(("environment", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_colours_are_for_terminals_and_for_who_asks(environment: dict[str, str], coloured: bool) -> None:
    shown = chat_persistence("--help", **environment)
    assert ("\x1b[" in shown.stdout) == coloured


def test_without_its_extra_the_command_line_says_what_to_install() -> None:
    refused = python("-c", WITHOUT_TYPER)
    assert refused.returncode == 1
    assert refused.stderr == "error: the command line is an extra: pip install 'chat-persistence[cli]'\n"


def test_the_library_itself_imports_no_command_line() -> None:
    assert python("-c", LOADED).stdout == "set()\n"


@pytest.mark.parametrize("form", [[], ["--json"]])
async def test_a_conversation_is_followed_from_another_process(migrated_database: str, form: list[str]) -> None:
    user_id = f"user-{uuid4()}"
    async with ChatStore(migrated_database) as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        await chat.messages.append(conversation.id, *[MessageCreate(role="user", content=word) for word in "ab"])
        arguments = ["follow", user_id, str(conversation.id), "--after", "1", "--url", migrated_database, *form]
        command = [sys.executable, "-m", "chat_persistence", *arguments]
        # Where a shell runs the tests in its background, it has them ignore SIGINT, and all that they start.
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            lines = [await process.stdout.readline()]
            await chat.messages.append(conversation.id, MessageCreate(role="assistant", content="c"))
            lines.append(await process.stdout.readline())
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130

    if form:
        told = [json.loads(line) for line in lines]
        assert [(each["position"], each["role"], each["content"]) for each in told] == [
            (2, "user", "b"),
            (3, "assistant", "c"),
        ]
    else:
        assert lines == [b"2 user b\n", b"3 assistant c\n"]


async def test_a_conversation_is_read_within_a_budget_searched_and_forked(migrated_database: str) -> None:
    user_id, fork_id = f"user-{uuid4()}", uuid4()
    async with ChatStore(migrated_database) as store:
        chat = store.for_user(user_id)
        conversation = await chat.conversations.create()
        said = [MessageCreate(role="user", content=f"train {number} [b]", token_count=10) for number in range(3)]
        await chat.messages.append(conversation.id, *said)
        own = (user_id, str(conversation.id))
        read = chat_persistence("history", *own, "--max-tokens", "25", DATABASE_URL=migrated_database)
        found = chat_persistence(
            "search", user_id, "train -1", "--json", "--limit", "1", DATABASE_URL=migrated_database
        )
        made = [
            chat_persistence("fork", *own, "2", "--fork-id", str(fork_id), DATABASE_URL=migrated_database)
            for _ in range(2)
        ]
        forked = [message.content for message in await chat.messages.last(fork_id)]

    assert read.stdout == "2 user train 1 [b]\n3 user train 2 [b]\n"
    page = json.loads(found.stdout)
    assert [(hit["position"], hit["snippet"][0]) for hit in page["items"]] == [(3, {"text": "train", "is_match": True})]
    assert page["next_cursor"]
    assert [each.stdout for each in made] == [f"{fork_id}\n"] * 2
    assert forked == ["train 0 [b]", "train 1 [b]"]


def test_a_search_without_its_index_names_the_command(migrated_database: str) -> None:
    refused = chat_persistence("search", "ada", "Rome", "--language", "german", "--url", migrated_database)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "chat-persistence search-index create --language german" in refused.stderr


def test_what_is_not_there_cannot_be_read_or_forked(migrated_database: str) -> None:
    for command in (["history", "nobody", str(uuid4())], ["fork", "nobody", str(uuid4()), "1"]):
        refused = chat_persistence(*command, "--url", migrated_database)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("error: no conversation")


def test_what_is_not_there_cannot_be_followed(migrated_database: str) -> None:
    refused = chat_persistence("follow", "nobody", str(uuid4()), "--url", migrated_database)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error: no conversation")


async def test_replies_of_processes_that_are_gone_are_listed_and_made_messages(empty_database: str) -> None:
    async with ChatStore(empty_database) as store:
        await store.migrate()
        for user_id in ("ada", "bob"):
            chat = store.for_user(user_id)
            conversation = await chat.conversations.create()
            draft = await chat.drafts.begin(conversation.id, flush_seconds=3_600).__aenter__()
            await draft.write("A train")
            await draft.flush()
        young = chat_persistence("drafts", "--url", empty_database)
        listed = chat_persistence("drafts", "--quiet-for", "0.001", "--url", empty_database)
        ended = chat_persistence("drafts", "--quiet-for", "0.001", "--end", "abort", "--json", "--url", empty_database)
        (message,) = await chat.messages.last(conversation.id)

    assert (young.stdout, young.stderr) == ("", "0 drafts, 0 of them ended\n")
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["ada", "bob"]
    assert "A train" not in listed.stdout
    assert json.loads(ended.stdout) == {"found": 2, "characters": 14, "ended": 2}
    assert (message.id, message.content, message.metadata) == (draft.id, "A train", {"aborted": True})
