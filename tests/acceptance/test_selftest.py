"""The selftest, run as a person or a script runs it: on a server of its own, or on one that it may not harm."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
import typer

from chat_persistence.cli.selftest import selftest
from chat_persistence.selftest.arena import SCHEMA, Arena
from chat_persistence.selftest.check import Check
from chat_persistence.selftest.figures import Figure, everything, nothing
from chat_persistence.selftest.scale import Scale
from tests.acceptance.test_cli import chat_persistence

QUICK = ("--check", "failed units of work")


async def find(_: Arena, __: Scale) -> AsyncIterator[Figure]:
    yield everything("apples found", 3, 3)


async def lose(_: Arena, __: Scale) -> AsyncIterator[Figure]:
    yield nothing("apples lost", 1, 3)


async def stumble(_: Arena, __: Scale) -> AsyncIterator[Figure]:
    yield everything("apples found", 3, 3)
    raise LookupError("no fourth apple")


def test_without_a_url_it_runs_on_a_server_of_its_own_and_leaves_the_users_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = chat_persistence("selftest", *QUICK, "--json", CHAT_PERSISTENCE_HOME=str(home))
    told = json.loads(ran.stdout)

    assert (ran.returncode, told["ok"]) == (0, True)
    assert {figure["is_met"] for figure in told["checks"][0]["figures"]} == {True}
    assert ran.stderr == "checking: failed units of work\n"
    assert not home.exists()


async def test_a_server_that_is_given_is_not_harmed_and_nothing_stays_in_it(empty_database: str) -> None:
    ran = chat_persistence("selftest", empty_database, *QUICK, "--check", "server loss")
    connection = await asyncpg.connect(empty_database)
    left = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE $1", f"{SCHEMA}%")
    await connection.close()

    assert ran.returncode == 0
    assert "not checked here: server loss" in ran.stdout
    assert "own engine: failed units that were refused" in ran.stdout
    assert left == []


@pytest.mark.parametrize(("check", "said"), [(lose, "MISSED"), (stumble, "LookupError: no fourth apple")])
def test_it_fails_when_a_figure_is_missed_or_a_check_breaks_off(
    database_url: str,
    capsys: pytest.CaptureFixture[str],
    check: Callable[[Arena, Scale], AsyncIterator[Figure]],
    said: str,
) -> None:
    with pytest.raises(typer.Exit) as exited:
        selftest(database_url, [Check("apples", check), Check("more apples", find)], as_json=False)

    printed = capsys.readouterr().out
    assert exited.value.exit_code == 1
    assert said in printed
    assert "more apples" in printed


@pytest.mark.parametrize("arguments", [("--check", "no such check"), ("postgresql://host:6432/db",)])
def test_what_cannot_be_checked_is_refused(arguments: tuple[str, ...]) -> None:
    refused = chat_persistence("selftest", *arguments)

    assert refused.returncode != 0
    assert refused.stdout == ""
