"""Switching row-level security on and off, again and again, by many at once, and by those who may not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from chat_persistence import ConfigurationError, InvalidInput, SchemaMismatch, migrations, row_level_security
from chat_persistence.connection import make_engine, read_url
from chat_persistence.policies import TABLES
from tests.migrations.catalog import describe, fetch, run_script
from tests.migrations.conftest import Alembic
from tests.roles import as_role, new_role
from tests.servers import new_migrated_database

POLICIES = """
    SELECT tablename, policyname, permissive, roles, cmd, qual, with_check, relrowsecurity, relforcerowsecurity
    FROM pg_policies JOIN pg_class ON pg_class.oid = format('%I.%I', schemaname, tablename)::regclass
    ORDER BY tablename, policyname
"""
GRANTS = """
    SELECT table_name, privilege_type, CASE WHEN privilege_type = 'UPDATE' THEN column_name END
    FROM information_schema.column_privileges WHERE grantee = :role
    UNION
    SELECT table_name, privilege_type, NULL FROM information_schema.table_privileges WHERE grantee = :role
    ORDER BY 1, 2, 3
"""
CHANGEABLE = ("archived_at", "followed_until", "last_position", "message_count", "metadata", "title", "updated_at")


@dataclass(frozen=True)
class Roles:
    """The two roles of this test's database."""

    application: str
    maintenance: str


@pytest.fixture
async def engine(engine: AsyncEngine) -> AsyncEngine:
    """An engine on a database with our tables."""
    await migrations.upgrade(engine)
    return engine


@pytest.fixture
async def roles(empty_database: str) -> AsyncIterator[Roles]:
    async with new_role(empty_database) as application, new_role(empty_database) as maintenance:
        yield Roles(application, maintenance)


async def enable(engine: AsyncEngine, roles: Roles, **options: Any) -> None:
    await row_level_security.enable(engine, roles.application, maintenance_role=roles.maintenance, **options)


async def test_the_application_gets_what_a_chatbot_needs_and_no_more(engine: AsyncEngine, roles: Roles) -> None:
    await run_script(engine, f"GRANT ALL ON conversations, messages TO {roles.application}")
    await enable(engine, roles)

    assert await fetch(engine, GRANTS, role=roles.application) == [
        ("chat_persistence_version", "SELECT", None),
        ("conversations", "DELETE", None),
        ("conversations", "INSERT", None),
        ("conversations", "SELECT", None),
        *(("conversations", "UPDATE", column) for column in CHANGEABLE),
        ("drafts", "DELETE", None),
        ("drafts", "INSERT", None),
        ("drafts", "SELECT", None),
        ("messages", "INSERT", None),
        ("messages", "SELECT", None),
        ("user_keys", "DELETE", None),
        ("user_keys", "INSERT", None),
        ("user_keys", "SELECT", None),
        ("user_keys", "UPDATE", "master_key_id"),
        ("user_keys", "UPDATE", "wrapped_key"),
    ]


async def test_append_only_means_that_it_takes_away_nothing_but_drafts(engine: AsyncEngine, roles: Roles) -> None:
    await enable(engine, roles)
    await enable(engine, roles, append_only=True)

    granted = await fetch(engine, GRANTS, role=roles.application)
    assert [grant for grant in granted if grant[1] == "DELETE"] == [("drafts", "DELETE", None)]


async def test_a_second_time_and_eight_at_once_make_no_difference(engine: AsyncEngine, roles: Roles) -> None:
    await enable(engine, roles)
    once = await fetch(engine, POLICIES), await fetch(engine, GRANTS, role=roles.application)
    await asyncio.gather(*[enable(engine, roles) for _ in range(8)])

    assert len(once[0]) == 2 * len(TABLES)
    assert (await fetch(engine, POLICIES), await fetch(engine, GRANTS, role=roles.application)) == once


async def test_databases_that_make_the_same_role_at_once_share_it(database_url: str) -> None:
    """A role belongs to the whole server, and the queue of migrations to one database."""
    role = f"test_{uuid4().hex}"
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(new_migrated_database(database_url)) for _ in range(3)]
        engines = [make_engine(read_url(url)) for url in urls]
        await asyncio.gather(*[row_level_security.enable(engine, role) for engine in engines])
        found = [len(await fetch(engine, GRANTS, role=role)) for engine in engines]
        for engine in engines:
            await run_script(engine, f"DROP OWNED BY {role}")
            await engine.dispose()
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"DROP ROLE {role}")
    await connection.close()

    assert found == [21, 21, 21]


async def test_switched_off_the_tables_are_as_they_were(engine: AsyncEngine, roles: Roles) -> None:
    before = await describe(engine)
    await enable(engine, roles)
    meanwhile = await describe(engine)
    for _ in range(2):
        await row_level_security.disable(engine)

    assert meanwhile != before == await describe(engine)
    assert await fetch(engine, POLICIES) == []


async def test_what_is_printed_does_the_same(engine: AsyncEngine, roles: Roles) -> None:
    await enable(engine, roles)
    enabled = await fetch(engine, POLICIES)
    await run_script(engine, row_level_security.disable_sql())
    disabled = await fetch(engine, POLICIES)
    await run_script(engine, row_level_security.enable_sql(roles.application, maintenance_role=roles.maintenance))

    assert disabled == []
    assert await fetch(engine, POLICIES) == enabled


async def test_a_downgrade_takes_all_of_it_away(engine: AsyncEngine, roles: Roles) -> None:
    fresh = await describe(engine)
    await enable(engine, roles)
    await migrations.downgrade(engine)
    left = await fetch(
        engine,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION ALL"
        " SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    )
    await migrations.upgrade(engine)

    assert left == [("chat_persistence_version",), ("chat_persistence_version_pkc",)]
    assert await describe(engine) == fresh


async def test_alembic_finds_nothing_to_do(engine: AsyncEngine, roles: Roles, alembic: Alembic) -> None:
    await enable(engine, roles)

    assert "No new upgrade operations detected" in await alembic("check")


@pytest.mark.parametrize("schema", ["chat", 'A "strange" name: 100%'])
async def test_names_may_be_any(engine: AsyncEngine, schema: str) -> None:
    ((database,),) = await fetch(engine, "SELECT current_database()")
    names = [f"{database[:20]} {kind} '%s' \"$$\"" for kind in ("a", "m")]
    await migrations.upgrade(engine, schema)
    await row_level_security.enable(engine, names[0], maintenance_role=names[1], schema=schema)
    granted = await fetch(engine, GRANTS, role=names[0])
    roles = await fetch(engine, "SELECT DISTINCT roles[1] FROM pg_policies ORDER BY 1")
    for name in names:
        await run_script(engine, 'DROP OWNED BY "{0}"; DROP ROLE "{0}"'.format(name.replace('"', '""')))

    assert len(granted) == 21
    assert {role for (role,) in roles} == {names[1], "public"}


async def test_a_hosts_tables_of_the_same_names_are_left_alone(engine: AsyncEngine, roles: Roles) -> None:
    await migrations.downgrade(engine)
    await run_script(
        engine,
        "DROP TABLE chat_persistence_version; CREATE TABLE conversations (); CREATE TABLE messages ();"
        "ALTER TABLE messages ENABLE ROW LEVEL SECURITY",
    )
    for act in (enable(engine, roles), row_level_security.disable(engine)):
        with pytest.raises(SchemaMismatch):
            await act

    assert [row[0] for row in await fetch(engine, "SELECT relname FROM pg_class WHERE relrowsecurity")] == ["messages"]


@pytest.mark.parametrize("attributes", ["SUPERUSER", "BYPASSRLS"])
async def test_a_role_that_no_policy_binds_is_refused(
    engine: AsyncEngine, empty_database: str, attributes: str
) -> None:
    async with new_role(empty_database, attributes) as role:
        with pytest.raises(ConfigurationError, match="choose another role"):
            await row_level_security.enable(engine, role)

    assert await fetch(engine, POLICIES) == []


async def test_the_owner_is_refused_and_keeps_its_rights(engine: AsyncEngine, roles: Roles) -> None:
    for table in TABLES:
        await run_script(engine, f"ALTER TABLE {table} OWNER TO {roles.application}")
    with pytest.raises(ConfigurationError, match="choose another role"):
        await enable(engine, roles)
    granted = await fetch(engine, GRANTS, role=roles.application)
    await run_script(engine, f"REASSIGN OWNED BY {roles.application} TO CURRENT_USER")

    assert ("messages", "DELETE", None) in granted


@pytest.mark.parametrize("name", ["public", "pg_mine", "none"])
async def test_a_name_that_postgresql_keeps_for_itself_is_refused(engine: AsyncEngine, name: str) -> None:
    with pytest.raises(ConfigurationError, match="choose another"):
        await row_level_security.enable(engine, name)


@pytest.mark.parametrize("name", ["", "x" * 64, "a\0b", "\ud800"])
def test_a_name_that_cannot_be_one_is_refused_before_any_sql(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^role: must"):
        row_level_security.enable_sql(name)
    with pytest.raises(InvalidInput, match=r"^maintenance_role: must"):
        row_level_security.enable_sql("chat_app", maintenance_role=name)


def test_one_role_cannot_be_both() -> None:
    with pytest.raises(ConfigurationError):
        row_level_security.enable_sql("chat_app", maintenance_role="chat_app")


@pytest.fixture
async def as_owner(engine: AsyncEngine, empty_database: str) -> AsyncIterator[AsyncEngine]:
    """An engine of the tables' owner, who may not create roles."""
    async with new_role(empty_database) as owner:
        for table in (*TABLES, "chat_persistence_version"):
            await run_script(engine, f"ALTER TABLE {table} OWNER TO {owner}")
        made = make_engine(read_url(as_role(empty_database, owner)))
        yield made
        await made.dispose()
        await run_script(engine, f"REASSIGN OWNED BY {owner} TO CURRENT_USER")


async def test_the_owner_needs_no_other_right_when_the_roles_are_there(as_owner: AsyncEngine, roles: Roles) -> None:
    await enable(as_owner, roles)

    assert len(await fetch(as_owner, POLICIES)) == 2 * len(TABLES)


async def test_who_may_not_create_a_role_is_told_what_to_do(as_owner: AsyncEngine) -> None:
    with pytest.raises(ConfigurationError, match="row-level-security enable --sql") as caught:
        await row_level_security.enable(as_owner, "a_role_that_is_not_there")

    assert caught.value.__context__ is None
    assert await fetch(as_owner, POLICIES) == []


async def test_who_does_not_own_the_tables_is_told_so(engine: AsyncEngine, roles: Roles, empty_database: str) -> None:
    await enable(engine, roles)
    for role in (roles.application, roles.maintenance):
        stranger = make_engine(read_url(as_role(empty_database, role)))
        with pytest.raises(ConfigurationError, match="own the tables"):
            await row_level_security.disable(stranger)
        await stranger.dispose()

    assert len(await fetch(engine, POLICIES)) == 2 * len(TABLES)
