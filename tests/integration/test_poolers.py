"""A real PgBouncer: with the wrong profile `check()` refuses it, with the right one nobody notices it."""

import logging
from collections.abc import AsyncIterator

import pytest

from chat_persistence import ChatStore, ConfigurationError
from chat_persistence.connection import Profile
from chat_persistence.selftest.pgbouncer import obstacle, pooled, version
from chat_persistence.selftest.relay import Relay

needs_pgbouncer = pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))


@pytest.fixture
async def pooled_url(migrated_database: str) -> AsyncIterator[str]:
    async with pooled(migrated_database) as (url, _):
        yield url


async def check(url: str, profile: Profile | None = None) -> None:
    async with ChatStore(url, profile=profile) as store:
        await store.check()


@needs_pgbouncer
async def test_a_pooler_taken_for_a_server_is_refused_and_the_right_profiles_are_named(pooled_url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await check(pooled_url, "direct")

    for profile in ("pgbouncer", "neon"):
        assert f'profile="{profile}"' in str(caught.value)


@needs_pgbouncer
@pytest.mark.parametrize("profile", ["pgbouncer", "neon", None])
async def test_the_right_profile_is_also_the_one_that_is_found(pooled_url: str, profile: Profile | None) -> None:
    await check(pooled_url, profile)


@needs_pgbouncer
@pytest.mark.parametrize("server_connections", [20, 1])
async def test_a_pooler_in_session_mode_is_as_good_as_a_server(migrated_database: str, server_connections: int) -> None:
    async with pooled(migrated_database, pool_mode="session", server_connections=server_connections) as (url, _):
        await check(url, "direct")


@pytest.mark.skipif(obstacle() is not None or version() < (1, 21), reason="needs PgBouncer 1.21 or later")
async def test_a_pooler_that_keeps_statements_for_its_clients_is_as_good_as_a_server(migrated_database: str) -> None:
    async with pooled(migrated_database, kept_statements=100) as (url, _):
        await check(url, "direct")


async def test_a_server_taken_for_a_pooler_is_told_in_the_log(
    migrated_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "chat_persistence.poolers"):
        await check(migrated_database, "pgbouncer")
        told = [record.message for record in caplog.records]
        await check(migrated_database, "direct")

    assert [record.message for record in caplog.records] == told
    assert ['profile="direct"' in message for message in told] == [True]


async def test_a_server_is_known_by_one_connection(migrated_database: str) -> None:
    relay = Relay(migrated_database)
    async with relay.listening() as url:
        await check(url, "direct")

    assert relay.connections == 1 + 1  # and the one that reads the tables' revision
