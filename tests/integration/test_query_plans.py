"""What PostgreSQL does for each statement: one partition per table where they are distributed, and indexes."""

import inspect
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import create_async_engine

from chat_persistence import gin_indexes, row_level_security
from chat_persistence.compilation import Compilation, Statement
from chat_persistence.connection import make_engine, read_url
from chat_persistence.selftest.addresses import with_database
from chat_persistence.statements import (
    across_user_keys,
    across_users,
    appending,
    conversations,
    drafts,
    erasing,
    exporting,
    following,
    forking,
    messages,
    rewinding,
    searching,
    swapping,
    token_budget,
    usage,
    user_keys,
)
from tests.roles import as_role, new_role
from tests.servers import new_migrated_database

OWNER = "user-7"
CHAT = UUID(int=7)
PARTITIONS = 16

compilation = Compilation(create_async_engine("postgresql+asyncpg://").dialect, None)

ARGUMENTS: dict[str, Any] = {
    "owner": OWNER,
    "chat": CHAT,
    "new_chat": UUID(int=7 << 80),
    "message": UUID(int=70_005),
    "heading": "Rome",
    "sets_heading": True,
    "notes": "{}",
    "sets_notes": True,
    "key": "run",
    "swapped": '{"token": 2}',
    "guard": '{"token": 1}',
    "hidden": True,
    "how_many": 2,
    "place": 5,
    "expected": 10,
    "tokens": 8000,
    "moment": datetime(2100, 1, 1, tzinfo=UTC),
    "chat_place": UUID(int=2**128 - 1),
    "wanted": "rome -train",
    "index_named": "ix_messages_search_simple",
    "messages_named": "messages",
    "owner_after": "",
    "chat_after": UUID(int=0),
    "chat_from": UUID(int=0),
    "chat_upto": UUID(int=2**128 - 1),
    "of_active": True,
    "of_archived": True,
    "message_after": UUID(int=1),
    "seconds": 0.0,
    "said": "a",
    "said_natively": None,
    "id_array": [str(UUID(int=1)), str(UUID(int=2))],
    "role_array": ["user", "assistant"],
    "content_array": ["a", "b"],
    "tool_calls_array": [None, "[]"],
    "native_array": [None, "{}"],
    "notes_array": [None, "{}"],
    "token_count_array": [None, "1"],
    "place_array": ["1", "2"],
    "key_id": b"key of 7",
    "key_wrapped": b"key of 7, wrapped",
    "wrapped_by": "2026",
    "may_be_elsewhere": True,
}


def statements_of(module: object) -> dict[str, Statement]:
    """Return the statements of a module: its public functions that return something to execute."""
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith(("_", "x_"))  # mutmut puts its mutants beside the originals as `x_…`
        and function.__module__ == getattr(module, "__name__", None)
        and isinstance(function(), Executable)
    }


OWNED = {
    f"{module.__name__.rpartition('.')[2]}.{name}": statement
    for module in (
        appending,
        conversations,
        drafts,
        erasing,
        exporting,
        following,
        forking,
        messages,
        rewinding,
        searching,
        swapping,
        token_budget,
        usage,
        user_keys,
    )
    for name, statement in statements_of(module).items()
}

MESSAGES_BY_POSITION = {"pk_messages"}
CONVERSATION = {"pk_conversations"}
DRAFTS = {"pk_drafts"}
USER_KEY = {"pk_user_keys"}
TABLES = ("conversations", "drafts", "messages", "user_keys")

INDEXES: dict[str, set[str]] = {
    "appending.append": {"uq_messages_id", *CONVERSATION},
    "appending.append_and_clear": {"uq_messages_id", *CONVERSATION, *DRAFTS},
    "appending.append_and_swap": {"uq_messages_id", *CONVERSATION},
    "appending.append_or_create": {"uq_messages_id"},
    "appending.append_or_create_and_swap": {"uq_messages_id"},
    "appending.append_sealed": {"uq_messages_id", *CONVERSATION, *USER_KEY},
    "appending.append_sealed_and_clear": {"uq_messages_id", *CONVERSATION, *DRAFTS, *USER_KEY},
    "appending.append_sealed_and_swap": {"uq_messages_id", *CONVERSATION, *USER_KEY},
    "appending.append_sealed_or_create": {"uq_messages_id", *USER_KEY},
    "appending.append_sealed_or_create_and_swap": {"uq_messages_id", *USER_KEY},
    "conversations.change": CONVERSATION,
    "conversations.create": set(),
    "conversations.get": CONVERSATION,
    "conversations.page_active": {"ix_conversations_active"},
    "conversations.page_active_after": {"ix_conversations_active"},
    "conversations.page_archived": {"ix_conversations_archived"},
    "conversations.page_archived_after": {"ix_conversations_archived"},
    "conversations.remove": CONVERSATION,
    "conversations.set_archived": CONVERSATION,
    "erasing.erasable": CONVERSATION | DRAFTS,
    "erasing.erase": CONVERSATION | DRAFTS,
    "exporting.lines": CONVERSATION | MESSAGES_BY_POSITION,
    "forking.fork": MESSAGES_BY_POSITION | CONVERSATION,
    "forking.fork_sealed": USER_KEY | MESSAGES_BY_POSITION | CONVERSATION,
    "following.lease": CONVERSATION,
    "following.news": MESSAGES_BY_POSITION | CONVERSATION,
    "drafts.add": {"uq_messages_id", *DRAFTS},
    "drafts.add_sealed": {"uq_messages_id", *DRAFTS, *USER_KEY},
    "drafts.get": {"uq_messages_id", *DRAFTS},
    "drafts.page": {"uq_messages_id", *DRAFTS},
    "drafts.remove": DRAFTS,
    "messages.after": MESSAGES_BY_POSITION,
    "messages.before": MESSAGES_BY_POSITION,
    "messages.conversation_with_last": MESSAGES_BY_POSITION | CONVERSATION,
    "messages.get": {"uq_messages_id"},
    "messages.last": MESSAGES_BY_POSITION,
    "messages.last_turns": MESSAGES_BY_POSITION,
    "messages.last_whole_turns": MESSAGES_BY_POSITION,
    "messages.stored": {"uq_messages_id"},
    "messages.through": {"uq_messages_id", *MESSAGES_BY_POSITION},
    "searching.by_index": {"ix_messages_search_simple", "pg_index_indexrelid_index"},
    "searching.by_walk": MESSAGES_BY_POSITION | CONVERSATION,
    "rewinding.rewind": MESSAGES_BY_POSITION | CONVERSATION,
    "swapping.look": CONVERSATION,
    "swapping.swap": CONVERSATION,
    "user_keys.create": set(),
    "user_keys.get": USER_KEY,
    "user_keys.remove": USER_KEY,
    "token_budget.last_within": MESSAGES_BY_POSITION,
    "usage.of_chat": MESSAGES_BY_POSITION | CONVERSATION,
    "usage.of_some": MESSAGES_BY_POSITION | CONVERSATION,
    "usage.of_some_after": MESSAGES_BY_POSITION | CONVERSATION,
}

FILL = """
INSERT INTO conversations (user_id, id, last_position, message_count)
SELECT 'user-' || n % 20, ('00000000-0000-0000-0000-' || lpad(to_hex(n), 12, '0'))::uuid, 100, 100
FROM generate_series(1, 400) AS n;
INSERT INTO messages (conversation_id, user_id, position, id, role, content)
SELECT c.id, c.user_id, p,
    ('00000000-0000-0000-0001-' || right(c.id::text, 6) || lpad(to_hex(p), 6, '0'))::uuid, 'user', repeat('x', 100)
FROM conversations AS c, generate_series(1, 100) AS p;
INSERT INTO drafts (conversation_id, user_id, id, part, content)
SELECT c.id, c.user_id, ('00000000-0000-0000-0002-' || right(c.id::text, 6) || lpad(to_hex(d), 6, '0'))::uuid, p, 'x'
FROM conversations AS c, generate_series(1, 3) AS d, generate_series(1, 10) AS p;
INSERT INTO user_keys (user_id, master_key_id, wrapped_key)
SELECT 'user-' || n, '2026', convert_to('key of ' || n || ', wrapped', 'UTF8') FROM generate_series(1, 400) AS n;
ANALYZE conversations, drafts, messages, user_keys;
"""


@pytest.fixture(scope="module")
async def filled(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A database with 20 users, 400 conversations and 40,000 messages; too few rows to scorn a full scan."""
    async with new_migrated_database(database_url) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(FILL + gin_indexes.create("simple", None, concurrently=False))
        await connection.execute("SET enable_seqscan = off")
        yield connection
        await connection.close()


@pytest.fixture(scope="module")
async def distributed(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The same tables, hash-partitioned by their owner as a distributed engine would have them."""
    async with new_migrated_database(database_url) as url:
        connection = await asyncpg.connect(url)
        await connection.execute("".join(_partition(table) for table in TABLES) + FILL)
        yield connection
        await connection.close()


def _partition(table: str) -> str:
    parts = "".join(
        f"CREATE TABLE {table}_{number} PARTITION OF {table}"
        f" FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number});"
        for number in range(PARTITIONS)
    )
    return (
        f"ALTER TABLE {table} RENAME TO plain_{table};"
        f"CREATE TABLE {table} (LIKE plain_{table} INCLUDING ALL) PARTITION BY HASH (user_id);" + parts
    )


def test_every_statement_has_its_place_here() -> None:
    assert set(OWNED) == set(INDEXES)
    assert set(statements_of(across_users)) == {
        "clock",
        "lines",
        "load",
        "orphans",
        "prunable",
        "prune",
        "quiet_drafts",
        "users",
    }
    assert set(statements_of(across_user_keys)) == {"in_force", "page", "wrap_anew"}


@pytest.mark.parametrize("statement", OWNED.values(), ids=OWNED)
def test_every_table_reference_names_its_owner(statement: Statement) -> None:
    """As often as a table is read or written, `user_id = :owner` is said; an INSERT says it in its rows."""
    compiled = compilation[statement]

    reads = sum(compiled.sql.count(f"{word} {table}") for word in ("FROM", "UPDATE", "JOIN") for table in TABLES)
    assert compiled.sql.count("user_id = $") == reads
    assert "owner" in compiled.names


async def test_every_owned_statement_touches_one_partition(distributed: asyncpg.Connection) -> None:
    for name, statement in OWNED.items():
        plan = await explain(distributed, statement)
        for table in TABLES:
            touched = {
                node["Relation Name"]
                for node in nodes(plan)
                if "Scan" in node["Node Type"] and node.get("Relation Name", "").startswith(f"{table}_")
            }
            assert len(touched) <= 1, (name, touched)


async def test_what_is_set_on_a_conflict_is_immutable(filled: asyncpg.Connection) -> None:
    """As Citus asks of every function in it."""
    for name, statement in OWNED.items():
        for clause in re.findall(r"DO UPDATE SET (.*?) RETURNING", compilation[statement].sql, re.DOTALL):
            mutable = await filled.fetch(
                "SELECT proname FROM pg_proc WHERE proname = ANY ($1) AND provolatile <> 'i'",
                re.findall(r"(\w+)\(", clause),
            )
            assert mutable == [], name


async def test_quiet_drafts_are_found_by_walking_their_key(filled: asyncpg.Connection) -> None:
    plan = list(nodes(await explain(filled, across_users.quiet_drafts)))

    assert {node["Index Name"] for node in plan if "Index Name" in node} == {"pk_drafts", "uq_messages_id"}
    assert not [node for node in plan if "Sort" in node["Node Type"] or node["Node Type"] == "Seq Scan"]


async def test_the_guard_sees_a_statement_that_fans_out(distributed: asyncpg.Connection) -> None:
    plan = await explain(distributed, across_users.users)

    assert len({node.get("Relation Name") for node in nodes(plan) if "Scan" in node["Node Type"]}) == PARTITIONS


async def test_every_owned_statement_finds_its_rows_by_an_index(filled: asyncpg.Connection) -> None:
    for name, statement in OWNED.items():
        plan = list(nodes(await explain(filled, statement)))
        used = {node["Index Name"] for node in plan if "Index Name" in node}
        assert not [node for node in plan if node["Node Type"] == "Seq Scan"], name
        assert used == INDEXES[name], name


@pytest.mark.parametrize(
    ("name", "indexes"),
    [
        ("lines", CONVERSATION | MESSAGES_BY_POSITION),
        ("prunable", CONVERSATION),
        ("prune", CONVERSATION),
    ],
)
async def test_what_walks_over_all_users_reads_on_by_the_key(
    filled: asyncpg.Connection, name: str, indexes: set[str]
) -> None:
    # Of a few rows, to sort all at once is as good as to sort each conversation.
    await filled.execute("SET enable_sort = off")
    plan = list(nodes(await explain(filled, statements_of(across_users)[name])))
    await filled.execute("RESET enable_sort")

    assert {node["Index Name"] for node in plan if "Index Name" in node} == indexes
    assert not [node for node in plan if node["Node Type"] == "Seq Scan"]
    assert not [node for node in plan if node["Node Type"] == "Sort" and node["Plans"][0]["Node Type"] == "Nested Loop"]


@pytest.fixture(scope="module")
async def secured(filled: asyncpg.Connection, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The filled tables under row-level security, in the transaction of a user who may do everything to his rows."""
    name = await filled.fetchval("SELECT current_database()")
    url = with_database(database_url, name)
    async with new_role(url) as role:
        engine = make_engine(read_url(url))
        await row_level_security.enable(engine, role)
        await engine.dispose()
        await filled.execute(f"GRANT ALL ON {', '.join(TABLES)} TO {role}")
        connection = await asyncpg.connect(as_role(url, role))
        await connection.execute("SET enable_seqscan = off; BEGIN")
        await connection.execute("SELECT set_config('chat_persistence.user_id', $1, true)", OWNER)
        yield connection
        await connection.close()
        await filled.execute(row_level_security.disable_sql())


async def test_row_level_security_changes_no_index(secured: asyncpg.Connection) -> None:
    for name, statement in OWNED.items():
        if name == "searching.by_index":  # no policy lets PostgreSQL use it: that is what the other is for
            continue
        plan = list(nodes(await explain(secured, statement)))
        assert not [node for node in plan if node["Node Type"] == "Seq Scan"], name
        assert {node["Index Name"] for node in plan if "Index Name" in node} == INDEXES[name], name


@pytest.mark.parametrize(
    "name",
    [
        "messages.last",
        "messages.before",
        "messages.after",
        "messages.through",
        "messages.conversation_with_last",
        "drafts.page",
        "conversations.page_active",
        "conversations.page_active_after",
        "appending.append",
        "token_budget.last_within",
    ],
)
async def test_what_is_read_in_order_is_not_sorted(
    filled: asyncpg.Connection, secured: asyncpg.Connection, name: str
) -> None:
    for connection in (filled, secured):
        plan = await explain(connection, OWNED[name])

        assert not [node for node in nodes(plan) if "Sort" in node["Node Type"]]


@pytest.mark.parametrize(("place", "loops"), [(99, 1), (100, 0), (2**31 - 1, 0)])
async def test_who_follows_looks_at_messages_only_when_there_are_new_ones(
    filled: asyncpg.Connection, place: int, loops: int
) -> None:
    plan = await explain(filled, following.news, "ANALYZE, ", place=place)

    scans = [node for node in nodes(plan) if node.get("Relation Name") == "messages"]
    assert [node["Actual Loops"] for node in scans] == [loops]


async def explain(connection: asyncpg.Connection, statement: Statement, how: str = "", **given: Any) -> dict[str, Any]:
    compiled = compilation[statement]
    arguments = {name: value for name, value in (ARGUMENTS | given).items() if name in compiled.names}
    if statement is searching.by_index:  # within one conversation, its messages may be fewer than those found
        arguments["chat"] = None
    answer = await connection.fetchval(f"EXPLAIN ({how}FORMAT JSON) {compiled.sql}", *compiled.arguments(arguments))
    plan: dict[str, Any] = json.loads(answer)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
