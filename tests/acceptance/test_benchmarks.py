"""The benchmarks, run as small as they go: what they count holds, what they write can be read, nothing stays behind."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import asyncpg
import pytest

from benchmarks import budgets, report
from benchmarks.environments import Peer, PeerUnavailable
from benchmarks.findings import Budget, Findings
from benchmarks.names import ASYNCPG, FLOOR, OURS, TUTORIAL
from benchmarks.peer_process import PeerProcess
from benchmarks.picture import page
from benchmarks.run import run
from benchmarks.scale import QUICK
from benchmarks.workloads import loop_with

ROOT = Path(__file__).parents[2]

TINY = replace(
    QUICK,
    rounds=2,
    guest_rounds=1,
    warm_up=10,
    seconds=0.002,
    sizes=(100, 1000),
    listed=20,
    crowd=20,
    tables=(10_000,),
    loaded=2,
)


@pytest.fixture(scope="module")
async def findings(database_url: str) -> Findings:
    """One run, without peers."""
    return await run(database_url, TINY, [], embedded=False)


def test_every_count_is_within_its_budget(findings: Findings) -> None:
    over = [budget for budget in budgets.of(findings) if budget.is_count and not budget.is_met]
    assert over == []


def test_round_trips_are_counted_for_everybody(findings: Findings) -> None:
    appends = {name: trips["append"] for name, trips in findings.trips.items()}
    assert appends == {OURS: 1, ASYNCPG: 2, FLOOR: 1, TUTORIAL: 6}


def test_everybody_plays_every_workload_near_and_far(findings: Findings) -> None:
    for figures in (*findings.near.values(), *findings.far.values()):
        assert set(figures) == {OURS, ASYNCPG, FLOOR, TUTORIAL}
        assert set(figures[OURS].ratios) == {ASYNCPG, FLOOR}


def test_a_crowd_is_served(findings: Findings) -> None:
    assert {name: (sample.served, sample.failed) for name, sample in findings.crowd.items()} == dict.fromkeys(
        (OURS, ASYNCPG, FLOOR, TUTORIAL), (20, 0)
    )


def test_the_json_says_what_was_found_under_stable_names(findings: Findings, tmp_path: Path) -> None:
    report.write(findings, tmp_path / "run.json")
    said = json.loads((tmp_path / "run.json").read_text())
    assert said["format"] == 1
    assert said["near"][loop_with(16)][OURS]["ratios"][ASYNCPG]["wall"].keys() == {"median", "low", "high"}
    assert {budget["name"] for budget in said["budgets"]} >= {"round trips, append", "round trips, last"}


def test_the_picture_is_svg_with_everybody_in_it(findings: Findings) -> None:
    said = "".join(ElementTree.fromstring(page.draw(findings)).itertext())  # noqa: S314 (our own)
    assert all(name in said for name in (OURS, ASYNCPG, FLOOR, TUTORIAL, findings.date, "cores"))


async def test_nothing_stays_on_the_server(findings: Findings, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    left = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'benchmark%'")
    await connection.close()
    assert (findings.scale, left) == ("quick", [])


def test_a_count_over_its_budget_fails_the_run_and_a_time_never_does() -> None:
    count = Budget("round trips", found=2, limit=1, is_count=True)
    time = Budget("wall", found=2, limit=1)
    assert (budgets.exit_code([count]), budgets.exit_code([time])) == (1, 0)


async def test_a_peer_that_does_not_run_says_why() -> None:
    peer = PeerProcess(Peer("Nobody", "nobody", ()), Path(sys.executable))
    with pytest.raises(PeerUnavailable, match=r"No module named benchmarks\.peers\.nobody"):
        await peer.start()
    await peer.stop()


def test_wrong_usage_exits_with_2_and_names_the_peers() -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--peers", "Nobody"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "Google ADK" in refused.stderr
