"""Mutation testing of what stands between users and their rows: the score, and every mutant that survived it.

    python -m tests.mutation [NAME ...]

mutmut is told in pyproject.toml what to mutate. Each survivor is judged in `judged.py`, or is a missing test.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.mutation.judged import JUDGED

LEAST_SCORE = 0.9
MUTMUT = Path(sys.executable).with_name("mutmut")
KILLED = {"killed", "timeout", "segfault"}
FROM_THE_START = ["tests/integration/test_messages.py", "tests/integration/test_idempotence.py"]
"""The tests that a survivor meets in a process of its own."""


def main() -> int:
    with _database_url() as url:
        # Its exit code says nothing of the score.
        subprocess.run([MUTMUT, "run", *sys.argv[1:]], env={**os.environ, "TEST_DATABASE_URL": url}, check=False)
        verdicts = _verdicts()
        for name in _survivors(verdicts):
            if _reason(name) is None and _dies_from_the_start(name, url):
                verdicts[name] = "killed"
    survivors = _survivors(verdicts)
    unjudged = [name for name in survivors if not _print_survivor(name)]
    killed = sum(verdict in KILLED for verdict in verdicts.values())
    score = killed / (killed + len(survivors))
    print(f"\n{dict(Counter(verdicts.values()))}\nscore: {score:.1%} (at least {LEAST_SCORE:.0%})")
    print(f"survivors: {len(survivors)}, of which not judged: {len(unjudged)}")
    return int(score < LEAST_SCORE or bool(unjudged))


@contextlib.contextmanager
def _database_url() -> Iterator[str]:
    # One server for all mutants; it and its databases are gone at the end.
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    from chat_persistence import embedded

    with (
        tempfile.TemporaryDirectory(prefix="cp-mutants-") as directory,
        embedded.start(Path(directory) / "data", durable=False) as server,
    ):
        yield server.url


def _verdicts() -> dict[str, str]:
    results = re.findall(r"^ +(\S+): (.+)$", _mutmut("results", "--all", "true"), re.MULTILINE)
    return dict(results)


def _survivors(verdicts: dict[str, str]) -> list[str]:
    return [name for name, verdict in verdicts.items() if verdict not in {*KILLED, "not checked"}]


def _dies_from_the_start(name: str, url: str) -> bool:
    """Try a mutant in a new process: what runs while its module is imported ran before mutmut chose the mutant."""
    environment = {**os.environ, "TEST_DATABASE_URL": url, "MUTANT_UNDER_TEST": name}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", *FROM_THE_START]
    return subprocess.run(command, cwd="mutants", env=environment, capture_output=True, check=False).returncode != 0


def _print_survivor(name: str) -> bool:
    """Print what was changed, and why that may be; return whether it was judged."""
    reason = _reason(name)
    print(f"\n{_function(name)}: {reason or 'NOT JUDGED'}", *_changed_lines(name), sep="\n    ")
    return reason is not None


def _reason(name: str) -> str | None:
    added = " ".join(line[1:].strip() for line in _changed_lines(name) if line.startswith("+"))
    return JUDGED.get((_function(name), added))


def _function(name: str) -> str:
    return re.sub(r"^chat_persistence\.|(?<=\.)x[_ǁ]|__mutmut_\d+$", "", name).replace("ǁ", ".")


def _changed_lines(name: str) -> list[str]:
    return [line for line in _mutmut("show", name).splitlines() if re.match(r"[-+](?![-+])", line)]


def _mutmut(*arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
