"""One run, from the first database to the last figure."""

import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from benchmarks import buffers, bulk, growth, iterating, trips
from benchmarks.distance import DELAY, further_away
from benchmarks.environments import Peer
from benchmarks.figures import Figure
from benchmarks.findings import Findings, Participant
from benchmarks.loops import CrowdSample, Workload
from benchmarks.names import ASYNCPG, FLOOR, OURS, TUTORIAL, sized
from benchmarks.rounds import Match, stopwatch
from benchmarks.scale import TASKS, Scale
from benchmarks.server import Databases, describe, machine
from benchmarks.stage import Stage, note
from benchmarks.workloads import CHATS, far, near

CROWD_ROUNDS = 2  # of which the slower one counts

LEAST_SECONDS = 5.0
"""What tables may take to load however late it is."""

REFERENCES = (ASYNCPG, FLOOR, OURS)


async def run(url: str, scale: Scale, peers: Sequence[Peer], *, embedded: bool) -> Findings:
    """Run everything on a server and leave nothing there."""
    elapsed = stopwatch()
    findings = Findings(
        scale=scale.name,
        date=datetime.now(UTC).date().isoformat(),
        seconds=0.0,
        machine=machine(),
        server=await describe(url, embedded=embedded),
        client=_client(),
    )
    databases = Databases(url)
    stage = Stage(databases, scale)
    try:
        await stage.set_up(peers)
        await _measure(stage, findings, elapsed)
        findings.participants = _participants(stage, peers)
    finally:
        await stage.tear_down()
        await databases.drop()
    findings.seconds = elapsed()
    return findings


async def _measure(stage: Stage, findings: Findings, elapsed: Callable[[], float]) -> None:
    await _count(stage, findings)
    note("growth with the conversation")
    findings.conversations = await growth.of_conversations(stage.urls[OURS], stage.scale)
    findings.near = await _play(stage, near(stage.scale), stage.urls)
    findings.far = await _play_far(stage)
    findings.crowd_users = stage.scale.crowd
    findings.crowd = await _crowd(stage)
    note("bulk loading")
    findings.bulk = await bulk.compare(stage.urls[OURS], stage.scale.loaded)
    note("iterate")
    longest = sized(min(stage.scale.iterated, stage.scale.sizes[-1]))
    findings.iterated = await iterating.iterate(stage.urls[OURS], longest)
    note("growth with the table")
    seconds = min(stage.scale.table_seconds, max(stage.scale.limit - elapsed(), LEAST_SECONDS))
    findings.tables = await growth.of_tables(stage.databases, stage.scale, seconds)
    missed = stage.scale.tables[len(findings.tables) :]
    findings.notes += [
        f"a table of {rows:,} rows was not measured: it does not load in {seconds:.0f} s" for rows in missed
    ]


async def _count(stage: Stage, findings: Findings) -> None:
    note("round trips and pages")
    for player in list(stage.field.players):
        async with stage.field.surviving(player):
            findings.trips[player.name] = await trips.count(player, stage.urls[player.name])
    for size in stage.scale.sizes:
        sql = stage.tutorial.sql_of_last(sized(size))
        findings.tutorial_pages[size] = await buffers.of_sql(stage.urls[TUTORIAL], sql)


async def _play(
    stage: Stage, workloads: dict[str, Workload], urls: Mapping[str, str], where: str = ""
) -> dict[str, dict[str, Figure]]:
    await _open(stage, urls)
    figures: dict[str, dict[str, Figure]] = {}
    for name, workload in workloads.items():
        elapsed = stopwatch()
        players = [player for player in stage.field.players if stage.can(player, workload)]
        figures[name] = await Match(stage.field, stage.scale, workload).play(players, REFERENCES)
        note(f"{name}{where}: {elapsed():.0f} s")
    await _close(stage)
    return figures


async def _play_far(stage: Stage) -> dict[str, dict[str, Figure]]:
    async with AsyncExitStack() as distances:
        away = {url: await distances.enter_async_context(further_away(url)) for url in set(stage.urls.values())}
        urls = {name: away[url] for name, url in stage.urls.items()}
        return await _play(stage, far(stage.scale), urls, f", {DELAY * 1000:.0f} ms away")


async def _open(stage: Stage, urls: Mapping[str, str]) -> None:
    warm_up = Workload("read_then_append", CHATS, max(TASKS))
    for player in list(stage.field.players):
        async with stage.field.surviving(player):
            await player.open(urls[player.name])
            # All connections are made, all statements prepared, all code warm, the server's included.
            await player.time(warm_up, stage.scale.warm_up // (10 if player.is_guest else 1))


async def _close(stage: Stage) -> None:
    for player in list(stage.field.players):
        async with stage.field.surviving(player):
            await player.close()


async def _crowd(stage: Stage) -> dict[str, CrowdSample]:
    served: dict[str, list[CrowdSample]] = {}
    for number in range(CROWD_ROUNDS):
        for player in list(stage.field.players):
            if number and player.is_guest:
                continue
            elapsed = stopwatch()
            async with stage.field.surviving(player):
                await player.open(stage.urls[player.name])
                sample = await player.crowd(stage.scale.crowd, stage.scale.crowd_seconds)
                served.setdefault(player.name, []).append(sample)
                await player.close()
            note(f"{stage.scale.crowd:,} users at once, {player.name}: {elapsed():.0f} s")
    return {name: sorted(samples, key=lambda each: each.wall)[len(samples) // 2] for name, samples in served.items()}


def _participants(stage: Stage, peers: Sequence[Peer]) -> list[Participant]:
    losses = stage.field.losses
    own = [Participant(player.name, "here", {}, losses.get(player.name, "")) for player in stage.home]
    versions = {process.name: process.versions for process in stage.peers}
    return own + [
        Participant(peer.name, "peer", versions.get(peer.name, {}), losses.get(peer.name, "")) for peer in peers
    ]


def _client() -> dict[str, str]:
    packages = ("chat-persistence", "asyncpg", "sqlalchemy", "pydantic")
    return {"python": platform.python_version(), **{package: _version(package) for package in packages}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
