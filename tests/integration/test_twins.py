"""The owner in every statement: nobody notices who shares their ids, and wherever it is dropped somebody does."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import NamedTuple

import asyncpg
import pytest

from chat_persistence import ChatPersistenceError, ChatStore, Encryption, KeyRing
from chat_persistence.compilation import Compilation, CompiledStatement, Statement
from chat_persistence.statements import across_users, appending, drafts, searching
from tests.integration.test_query_plans import OWNED, compilation, statements_of
from tests.servers import new_migrated_database, new_searchable_database
from tests.twins import CALLS, DRAFTS, crowd, differences

# In one process, which fills one database.
pytestmark = pytest.mark.xdist_group("twins")

OWNER = re.compile(r"\w+\.user_id = (\$\d+::VARCHAR)")
OWNERS_WORD = re.compile(r" && CAST\(.*? AS TSQUERY\)")
KEY = re.compile(r"ON CONFLICT \(user_id, id\)")


class Mutant(NamedTuple):
    """A statement with one mention of the owner dropped."""

    statement: Statement
    sql: str


def mutants_of(statement: Statement) -> list[Mutant]:
    """Return a mutant for each mention of the owner."""
    # A search asks for the owner twice over, by the column and by a word of the index: each would do.
    sql = OWNERS_WORD.sub("", compilation[statement].sql)
    # The parameter stays, or PostgreSQL could not tell its type.
    dropped = [(place, f"{place[1]} IS NOT NULL") for place in OWNER.finditer(sql)]
    dropped += [(place, "ON CONFLICT (id)") for place in KEY.finditer(sql)]
    return [Mutant(statement, sql[: place.start()] + other + sql[place.end() :]) for place, other in dropped]


EQUAL = {
    # Of the key that is to be in force, whose id of 64 random bits nobody else's has.
    "appending.append_sealed-2",
    "appending.append_sealed_and_swap-2",
    "appending.append_sealed_or_create_and_swap-2",
    "appending.append_sealed_and_clear-3",
    "appending.append_sealed_or_create-2",
    "drafts.add_sealed-1",
    "forking.fork_sealed-1",
    # No two encrypted parts are the same, and what another one says is read by its owner.
    "drafts.add_sealed-4",
    "drafts.add_sealed-5",
    # All of them have keys; whoever has none is told so in `test_encryption`.
    "user_keys.remove-2",
    # The walk would pass over conversations of others, whom the deletion leaves alone; that shows in plans.
    "erasing.erase-1",
}

MUTANTS = {
    f"{name}-{number}": mutant
    for name, statement in {**OWNED, "across_users.load": across_users.load}.items()
    if name != "following.lease"  # which nobody sees: `test_announcements` looks at the rows
    for number, mutant in enumerate(mutants_of(statement), 1)
    if f"{name}-{number}" not in EQUAL
}
SEALED = {statement for name, statement in OWNED.items() if "sealed" in name or name.startswith("user_keys.")}
ENCRYPTION = Encryption(KeyRing({"2026": bytes(32)}, "2026"), key_seconds=1e-9)
"""Keys are read anew for each call."""


DRAFT_STATEMENTS = {appending.append_and_clear, *statements_of(drafts).values()}

KEYS = {
    "pk_conversations": "ALTER TABLE messages DROP CONSTRAINT fk_messages_conversations;"
    "ALTER TABLE drafts DROP CONSTRAINT fk_drafts_conversations;"
    "ALTER TABLE conversations DROP CONSTRAINT pk_conversations, ADD PRIMARY KEY (id);",
    "pk_messages": "ALTER TABLE messages DROP CONSTRAINT pk_messages, ADD PRIMARY KEY (conversation_id, position)",
    "pk_drafts": "ALTER TABLE drafts DROP CONSTRAINT pk_drafts, ADD PRIMARY KEY (conversation_id, id, part)",
    "uq_messages_id": "ALTER TABLE messages DROP CONSTRAINT uq_messages_id, ADD UNIQUE (id)",
}


@pytest.fixture(scope="module")
async def crowded(database_url: str) -> AsyncIterator[str]:
    """The URL of a database where others were first."""
    async with new_searchable_database(database_url) as url:
        async with ChatStore(url) as store:
            await crowd(store)
        yield url


@pytest.fixture(scope="module")
async def healthy(crowded: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(crowded) as store:
        compile_all(store)
        yield store


@pytest.fixture(scope="module")
async def encrypting(crowded: str) -> AsyncIterator[ChatStore]:
    async with ChatStore(crowded, encryption=ENCRYPTION) as store:
        compile_all(store)
        yield store


def compile_all(store: ChatStore) -> None:
    """Compile every statement, before a mutant of it is."""
    for statement in (*OWNED.values(), across_users.load):
        store._open_resources.compilation[statement]


@pytest.mark.parametrize("name", CALLS)
async def test_somebody_with_the_same_ids_is_not_noticed(healthy: ChatStore, encrypting: ChatStore, name: str) -> None:
    for store in (healthy, encrypting):
        assert [each async for each in differences(store, store, [name])] == []


def test_every_mention_of_the_owner_has_its_mutant() -> None:
    for name, statement in OWNED.items():
        sql = compilation[statement].sql
        assert len(mutants_of(statement)) == len(re.findall(r"user_id = |\(user_id, id\)", sql)), name


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
async def test_an_owner_that_is_dropped_is_noticed(
    healthy: ChatStore, encrypting: ChatStore, crowded: str, monkeypatch: pytest.MonkeyPatch, mutant: Mutant
) -> None:
    """Through the public face, and not only in the SQL."""
    compile_, healthy_sql = Compilation._compile, compilation[mutant.statement].sql

    def compile_mutant(self: Compilation, statement: Statement) -> CompiledStatement:
        compiled = compile_(self, statement)
        return replace(compiled, sql=mutant.sql) if compiled.sql == healthy_sql else compiled

    monkeypatch.setattr(Compilation, "_compile", compile_mutant)
    is_sealed = mutant.statement in SEALED
    is_of_drafts = mutant.statement in DRAFT_STATEMENTS
    likely_first = sorted(CALLS, key=lambda name: (name in DRAFTS) != is_of_drafts)
    async with ChatStore(crowded, encryption=ENCRYPTION if is_sealed else None) as store:
        if mutant.statement is searching.by_walk:  # policies, which it is made for, would hide what it drops
            store._options = replace(store._options, row_level_security=True)
        assert await anext(differences(store, encrypting if is_sealed else healthy, likely_first), None) is not None


@pytest.mark.parametrize("ddl", KEYS.values(), ids=KEYS)
async def test_a_key_without_its_owner_is_noticed(database_url: str, ddl: str) -> None:
    """The neighbour stands in the way."""
    async with new_migrated_database(database_url) as url, ChatStore(url) as store:
        connection = await asyncpg.connect(url)
        await connection.execute(ddl)
        await connection.close()
        with pytest.raises(ChatPersistenceError):
            await anext(differences(store, store, ["get (equal)", "page drafts"]))
