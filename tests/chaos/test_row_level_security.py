"""The check of row-level security where roles cannot be created: it says so, and leaves nothing behind."""

import asyncpg

from chat_persistence.selftest import arena
from chat_persistence.selftest.checks import row_level_security
from chat_persistence.selftest.run import run
from chat_persistence.selftest.scale import TESTS
from tests.roles import as_role, new_role


async def test_without_the_right_to_create_roles_nothing_is_checked_and_that_is_said(empty_database: str) -> None:
    name = empty_database.partition("?")[0].rpartition("/")[2]
    async with new_role(empty_database) as role:
        connection = await asyncpg.connect(empty_database)
        await connection.execute(f"GRANT CREATE ON DATABASE {name} TO {role}")
        async with arena.opened(as_role(empty_database, role)) as limited:
            outcome = await run(row_level_security.CHECK, limited, TESTS)
            policies = await connection.fetchval("SELECT count(*) FROM pg_policies")
        await connection.close()

    assert (outcome.not_possible, outcome.figures) == ("this role may not create another", ())
    assert policies == 0
