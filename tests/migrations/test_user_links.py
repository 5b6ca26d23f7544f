"""Linking conversations to a host's users: what is linked, what is refused, and that it can be said again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import (
    ChatStore,
    ConfigurationError,
    InvalidInput,
    OrphanedConversations,
    SchemaMismatch,
    StoreUnavailable,
    migrations,
    row_level_security,
    user_links,
)
from chat_persistence.connection import make_engine, read_url
from tests.migrations.catalog import describe, fetch, run_script, tables
from tests.migrations.conftest import Alembic
from tests.roles import as_role, new_role

LINK = """
    SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint
    WHERE conname = 'fk_conversations_user' AND conrelid = to_regclass(:table)
"""
ADA, EVE = UUID(int=1), UUID(int=2)
TYPES = {
    # the type of the users' column: the ids of two users, and one that can be nobody's
    "text": ("ada", "eve", "nobody"),
    "text COLLATE ucs_basic": ("ada", "eve", "nobody"),
    "varchar(40)": ("ada", "eve", "nobody"),
    "uuid": (str(ADA), EVE.hex.upper(), "nobody"),
    "smallint": ("1", "2", "99999999999999999999"),
    "integer": ("1", "2", "007"),
    "bigint": ("-1", "9223372036854775807", "9223372036854775808"),
}
KINDS = {"uuid": "uuid", "smallint": "bigint", "integer": "bigint", "bigint": "bigint"}
every_type = pytest.mark.parametrize("type_", TYPES)


@pytest.fixture
async def engine(engine: AsyncEngine) -> AsyncEngine:
    """An engine on a database with our tables."""
    await migrations.upgrade(engine)
    return engine


@pytest.fixture
async def store(engine: AsyncEngine) -> AsyncIterator[ChatStore]:
    async with ChatStore(engine=engine) as store:
        yield store


async def add_users(engine: AsyncEngine, type_: str, *users: str, name: str = "users") -> None:
    await fetch(engine, f"CREATE TABLE {name} (id {type_} PRIMARY KEY)")
    for user in users:
        await add_user(engine, user)


async def add_user(engine: AsyncEngine, user: str) -> None:
    await run_script(engine, f"INSERT INTO users VALUES ('{user}')")  # noqa: S608


async def remove_user(engine: AsyncEngine, user: str) -> None:
    await run_script(engine, f"DELETE FROM users WHERE id = '{user}'")  # noqa: S608


async def link_of(engine: AsyncEngine, table: str = "conversations") -> list[tuple[str, bool]]:
    return [(definition, valid) for definition, valid in await fetch(engine, LINK, table=table)]


@every_type
async def test_users_of_any_usual_type_can_be_linked(engine: AsyncEngine, store: ChatStore, type_: str) -> None:
    """A user who is deleted takes all conversations along, and nobody else's."""
    ada, eve, _ = TYPES[type_]
    await add_users(engine, type_, ada, eve)
    for user in (ada, eve):
        await store.for_user(user).conversations.create()
    await user_links.link(engine, "users")
    await remove_user(engine, ada)

    assert [valid for _, valid in await link_of(engine)] == [True]
    assert await store.users() == [eve]


@every_type
async def test_users_who_are_missing_are_told(engine: AsyncEngine, store: ChatStore, type_: str) -> None:
    ada, eve, nobody = TYPES[type_]
    await add_users(engine, type_, ada)
    for user in (ada, eve, nobody):
        await store.for_user(user).conversations.create()
    with pytest.raises(OrphanedConversations) as caught:
        await user_links.link(engine, "users")

    assert caught.value.user_ids == tuple(sorted((eve, nobody)))
    assert caught.value.total == 2
    assert "nobody" not in str(caught.value) + repr(caught.value)
    assert await link_of(engine) == []


async def test_of_many_who_are_missing_twenty_are_named(engine: AsyncEngine, store: ChatStore) -> None:
    await add_users(engine, "text")
    for number in range(25):
        await store.for_user(f"user-{number:02}").conversations.create()
    with pytest.raises(OrphanedConversations) as caught:
        await user_links.link(engine, "users")

    assert caught.value.user_ids == tuple(f"user-{number:02}" for number in range(20))
    assert caught.value.total == 25


@every_type
async def test_said_again_it_does_nothing(engine: AsyncEngine, type_: str) -> None:
    """No table is locked then, so a user of both tables is not waited for."""
    await add_users(engine, type_)
    await asyncio.gather(*(user_links.link(engine, "users") for _ in range(4)))
    before = await describe(engine)
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        await connection.execute(text("LOCK TABLE users, conversations IN ROW EXCLUSIVE MODE"))
        await user_links.link(engine, "users")

    assert await describe(engine) == before


@every_type
async def test_unlinked_the_tables_are_as_they_were(engine: AsyncEngine, type_: str) -> None:
    before = await describe(engine)
    await add_users(engine, type_)
    await user_links.link(engine, "users", on_delete="restrict")
    meanwhile = await describe(engine)
    for _ in range(2):
        await user_links.unlink(engine)

    assert [column[2:] for column in before["columns"]] == [
        column[2:] for column in (await describe(engine))["columns"]
    ]
    assert before["constraints"] == (await describe(engine))["constraints"] != meanwhile["constraints"]


async def test_restrict_keeps_a_user_who_has_conversations(engine: AsyncEngine, store: ChatStore) -> None:
    await add_users(engine, "text", "ada")
    await store.for_user("ada").conversations.create()
    await user_links.link(engine, "users", on_delete="restrict")
    with pytest.raises(Exception, match="fk_conversations_user"):
        await fetch(engine, "DELETE FROM users")


async def test_an_interrupted_link_goes_on(engine: AsyncEngine) -> None:
    await add_users(engine, "text")
    await run_script(
        engine,
        "ALTER TABLE conversations ADD CONSTRAINT fk_conversations_user FOREIGN KEY (user_id) REFERENCES users"
        " ON DELETE CASCADE NOT VALID",
    )
    await user_links.link(engine, "users")

    assert [valid for _, valid in await link_of(engine)] == [True]


async def test_who_is_missing_is_told_after_an_interruption_too(engine: AsyncEngine, store: ChatStore) -> None:
    await add_users(engine, "text")
    await store.for_user("ada").conversations.create()
    await run_script(
        engine,
        "ALTER TABLE conversations ADD CONSTRAINT fk_conversations_user FOREIGN KEY (user_id) REFERENCES users"
        " ON DELETE CASCADE NOT VALID",
    )
    with pytest.raises(OrphanedConversations) as caught:
        await user_links.link(engine, "users")

    assert caught.value.user_ids == ("ada",)


async def test_linked_otherwise_is_refused(engine: AsyncEngine) -> None:
    await add_users(engine, "text")
    await add_users(engine, "text", name="people")
    await user_links.link(engine, "users")
    for act in (user_links.link(engine, "people"), user_links.link(engine, "users", on_delete="restrict")):
        with pytest.raises(ConfigurationError, match="unlink-users"):
            await act


async def test_a_link_that_went_with_its_table_can_be_made_again(engine: AsyncEngine) -> None:
    await add_users(engine, "uuid")
    await user_links.link(engine, "users")
    await fetch(engine, "DROP TABLE users CASCADE")
    await add_users(engine, "uuid")
    await user_links.link(engine, "users")

    assert len(await link_of(engine)) == 1


async def test_names_that_need_quotes(engine: AsyncEngine) -> None:
    """Better Auth's table is called `user`."""
    for schema, table, column in (("public", "user", "id"), ('my "own": schema 100%', "Us.er:s", 'the "id"')):
        quoted = [name.replace('"', '""') for name in (schema, table, column)]
        await run_script(
            engine,
            'CREATE SCHEMA IF NOT EXISTS "{0}"; CREATE TABLE "{0}"."{1}" ("{2}" text PRIMARY KEY)'.format(*quoted),
        )
        await user_links.link(engine, table, column, user_schema=schema)
        assert len(await link_of(engine)) == 1
        await user_links.unlink(engine)


async def test_tables_in_a_schema_of_their_own(engine: AsyncEngine) -> None:
    """Beside which a host has tables of the same names."""
    await migrations.upgrade(engine, "chat")
    await add_users(engine, "uuid", str(ADA))
    async with ChatStore(engine=engine, schema="chat") as store:
        for user in (str(ADA), str(EVE)):
            await store.for_user(user).conversations.create()
    with pytest.raises(OrphanedConversations) as caught:
        await user_links.link(engine, "users", schema="chat")
    await add_user(engine, str(EVE))
    await user_links.link(engine, "users", schema="chat")

    assert caught.value.user_ids == (str(EVE),)
    assert len(await link_of(engine, "chat.conversations")) == 1
    assert await link_of(engine) == []


@pytest.mark.parametrize(
    ("definition", "complaint"),
    [
        ("TABLE users (id text)", "no key"),
        ("TABLE users (id text, other text, PRIMARY KEY (id, other))", "no key"),
        ("TABLE users (id numeric PRIMARY KEY)", "type numeric"),
        ("TABLE users (id char(8) PRIMARY KEY)", "type bpchar"),
        ("TABLE users (name text PRIMARY KEY)", "no such column"),
        ("TABLE people (id text PRIMARY KEY)", "no such column"),
        ("VIEW users AS SELECT 'ada' AS id", "view"),
    ],
)
async def test_what_cannot_be_linked_is_refused_in_words(engine: AsyncEngine, definition: str, complaint: str) -> None:
    await fetch(engine, f"CREATE {definition}")
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        await user_links.link(engine, "users")

    assert caught.value.__context__ is None
    assert await link_of(engine) == []


async def test_a_domain_is_what_lies_beneath_it(engine: AsyncEngine) -> None:
    await run_script(engine, "CREATE DOMAIN account AS text; CREATE TABLE users (id account PRIMARY KEY)")
    await user_links.link(engine, "users")

    assert len(await link_of(engine)) == 1


async def test_tables_that_are_not_there_are_told(engine: AsyncEngine) -> None:
    await add_users(engine, "text")
    for act in (user_links.link(engine, "users", schema="chat"), user_links.unlink(engine, schema="chat")):
        with pytest.raises(SchemaMismatch):
            await act


async def test_what_is_not_offered_is_refused_before_any_sql() -> None:
    nowhere = make_engine(read_url("postgresql://nobody@127.0.0.1:1/nowhere"))
    other: Any = "other"
    with pytest.raises(InvalidInput):
        await user_links.link(nowhere, "users", on_delete=other)
    with pytest.raises(InvalidInput):
        await user_links.link(nowhere, "")
    with pytest.raises(InvalidInput):
        user_links.link_sql("users", type=other)


async def test_a_table_in_use_is_not_waited_for_long(engine: AsyncEngine) -> None:
    await add_users(engine, "text")
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        await connection.execute(text("LOCK TABLE users IN ROW EXCLUSIVE MODE"))
        with pytest.raises(StoreUnavailable) as caught:
            await user_links.link(engine, "users")

    assert caught.value.sqlstate == "55P03"


@every_type
async def test_what_is_printed_makes_the_same(engine: AsyncEngine, type_: str) -> None:
    kind: Any = KINDS.get(type_, "text")
    await add_users(engine, type_)
    await user_links.link(engine, "users")
    linked = await describe(engine)
    await user_links.unlink(engine)
    await migrations.downgrade(engine)
    await migrations.upgrade(engine)
    await run_script(engine, user_links.link_sql("users", type=kind))

    assert await describe(engine) == linked
    await run_script(engine, user_links.unlink_sql())
    assert await link_of(engine) == []


@every_type
async def test_our_own_check_stays_clean_and_our_downgrade_works(
    engine: AsyncEngine, alembic: Alembic, type_: str
) -> None:
    await add_users(engine, type_)
    await user_links.link(engine, "users")

    assert "No new upgrade operations detected" in await alembic("check")
    await migrations.downgrade(engine)
    assert await tables(engine) == ["public.chat_persistence_version", "public.users"]


async def test_a_role_that_may_not_is_told_what_to_do(engine: AsyncEngine, empty_database: str) -> None:
    await add_users(engine, "text")
    async with new_role(empty_database) as role:
        await run_script(engine, f"GRANT SELECT ON chat_persistence_version, conversations, users TO {role}")
        stranger = make_engine(read_url(as_role(empty_database, role)))
        with pytest.raises(ConfigurationError, match="--sql"):
            await user_links.link(stranger, "users")
        await stranger.dispose()


async def test_row_level_security_asks_for_the_maintenance_role(engine: AsyncEngine, empty_database: str) -> None:
    """Policies bind the owner too, who could not see whether anybody is missing."""
    await add_users(engine, "text", "ada", "eve")
    async with ChatStore(engine=engine) as store:
        for user in ("ada", "eve"):
            await store.for_user(user).conversations.create()
    async with new_role(empty_database) as owner, new_role(empty_database) as app, new_role(empty_database) as free:
        everything = ("conversations", "messages", "chat_persistence_version", "users")
        await run_script(engine, "".join(f"ALTER TABLE {name} OWNER TO {owner};" for name in everything))
        await run_script(engine, f"GRANT CREATE ON SCHEMA public TO {owner}")
        await row_level_security.enable(engine, app, maintenance_role=free)
        bound = make_engine(read_url(as_role(empty_database, owner)))
        with pytest.raises(ConfigurationError, match="maintenance role"):
            await user_links.link(bound, "users")
        await bound.dispose()  # its plans would outlive the grant
        await run_script(engine, f"GRANT {free} TO {owner}")
        await user_links.link(bound, "users")
        await bound.dispose()
        async with ChatStore(as_role(empty_database, app), row_level_security=True) as walled:
            await walled.for_user("ada").conversations.create()
            await run_script(engine, f"SET ROLE {owner}; DELETE FROM users WHERE id = 'ada'; RESET ROLE")  # noqa: S608
            left = await fetch(engine, "SELECT DISTINCT user_id FROM conversations")
        await run_script(engine, "".join(f"ALTER TABLE {name} OWNER TO CURRENT_USER;" for name in everything))

    assert left == [("eve",)]


async def test_writes_go_on_while_rows_are_validated(engine: AsyncEngine, store: ChatStore) -> None:
    """The lock of the second transaction stops neither side's writers."""
    await add_users(engine, "text", "ada")
    await user_links.link(engine, "users")
    await run_script(engine, "UPDATE pg_constraint SET convalidated = false WHERE conname = 'fk_conversations_user'")
    async with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        await connection.execute(text("ALTER TABLE conversations VALIDATE CONSTRAINT fk_conversations_user"))
        async with asyncio.timeout(5):
            await store.for_user("ada").conversations.create()
            await add_user(engine, "eve")


@every_type
async def test_who_is_missing_is_found_by_one_join(engine: AsyncEngine, type_: str) -> None:
    """Not by asking for each user."""
    kind: Any = KINDS.get(type_, "text")
    await add_users(engine, type_)
    listing, _, _ = user_links.link_sql("users", type=kind).partition(";")
    plan = "\n".join(line for (line,) in await fetch(engine, f"EXPLAIN {listing.replace(':', chr(92) + ':')}"))

    assert "Anti Join" in plan
    assert "SubPlan" not in plan
