"""`python -m benchmarks`: what is asked for on the command line, and where the answers go."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import budgets, report, server, terminal
from benchmarks.environments import PEERS
from benchmarks.findings import Findings
from benchmarks.picture import page
from benchmarks.run import run
from benchmarks.scale import FULL, QUICK

ALL = "all"
NONE = "none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; return 1 when a count is over its budget, which no time ever brings about."""
    asked = _parser().parse_args(arguments)
    scale = QUICK if asked.quick else FULL
    wanted = asked.peers or [NONE if asked.quick else ALL]
    peers = [peer for peer in PEERS if ALL in wanted or peer.name in wanted]
    with server.opened(asked.url) as url:
        findings = asyncio.run(run(url, scale, peers, embedded=asked.url is None))
    terminal.show(findings)
    _write(findings, asked.output or Path(f"benchmarks-{datetime.now(UTC).date()}.json"))
    return budgets.exit_code(budgets.of(findings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="The library beside what a user could pick instead, in up to 30 minutes and 8 GB of disk.",
    )
    parser.add_argument("--quick", action="store_true", help="under 2 minutes and without peers, for CI")
    parser.add_argument("--url", help="a PostgreSQL on which databases may be made; else an embedded one is started")
    parser.add_argument("--output", type=Path, help="the JSON file; the picture goes beside it, as .svg")
    parser.add_argument(
        "--peers",
        nargs="+",
        metavar="NAME",
        choices=[ALL, NONE, *(peer.name for peer in PEERS)],
        help=f"{ALL}, {NONE}, or some of: {', '.join(peer.name for peer in PEERS)}",
    )
    return parser


def _write(findings: Findings, path: Path) -> None:
    report.write(findings, path)
    picture = path.with_suffix(".svg")
    picture.write_text(page.draw(findings))
    print(f"written: {path} and {picture}, in {findings.seconds:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
