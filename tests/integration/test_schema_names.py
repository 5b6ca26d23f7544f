"""A schema of any name that PostgreSQL takes is quoted in every statement; another name is refused at the door."""

from uuid import uuid4

import pytest

from chat_persistence import ChatStore, ConfigurationError, migrations, search_index
from chat_persistence.connection import read_url
from chat_persistence.selftest.methods import METHODS, new_target


async def make_searchable(url: str, schema: str) -> None:
    async with migrations.patient_engine(read_url(url)) as engine:
        await search_index.create(engine, schema=schema)


@pytest.mark.parametrize(
    "name",
    [
        "x\"; DROP SCHEMA public CASCADE; --'",
        "a%s %% {0} :c ::text $1",
        "a.b\\c[d]\n",
        "__[SCHEMA__none]",
        "ä" * 31,
        "x",
        "x" * 63,
    ],
)
async def test_every_method_works_in_a_schema_of_any_name(empty_database: str, name: str) -> None:
    async with ChatStore(empty_database, schema=name) as store:
        await store.migrate()
        await make_searchable(empty_database, name)
        for call in METHODS.values():
            await call(store, await new_target(store, f"user-{uuid4()}", "x"))
        assert len(await store.users()) > 0

    assert name.replace('"', '""') in await migrations.upgrade_sql(name)


@pytest.mark.parametrize("name", ["", "x" * 64, "ä" * 32, "\x00", "\ud800", "$user", "pg_mine", "%(owner)s"])
async def test_a_name_that_postgresql_would_read_as_another_is_refused(empty_database: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^the schema must"):
        ChatStore(empty_database, schema=name)
    with pytest.raises(ConfigurationError, match=r"^the schema must"):
        await migrations.upgrade_sql(name)
