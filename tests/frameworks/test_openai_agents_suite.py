"""OpenAI's own tests of sessions, run with ours in the place of theirs."""

import json
import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from tests.frameworks.openai_agents_suite.exceptions import EXCEPTIONS, FILES, VERSION

# One worker runs them, once.
pytestmark = pytest.mark.xdist_group("openai_agents_suite")

LISTED = {f"{file}::{name}" for files in EXCEPTIONS.values() for file, names in files.items() for name in names}
PLUGIN = Path(__file__).parent / "openai_agents_suite"
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def their_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the source distribution of the version that is installed."""
    installed = version("openai-agents")
    if Version(installed) < Version(VERSION):
        pytest.skip(f"the list of exceptions is of {VERSION}, and {installed} is installed")
    folder = tmp_path_factory.mktemp("openai-agents")
    command = "-m pip download --quiet --no-deps --no-binary openai-agents --dest"
    asked = [sys.executable, *command.split(), str(folder), f"openai-agents=={installed}"]
    downloaded = subprocess.run(asked, capture_output=True, text=True)
    archives = list(folder.glob("*.tar.gz"))
    if not archives:
        missing = f"no source distribution of openai-agents {installed}: {downloaded.stderr[-300:]}"
        pytest.fail(missing) if "THEIR_TESTS_REQUIRED" in os.environ else pytest.skip(missing)
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    return folder / archives[0].name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def outcomes(their_source: Path, migrated_database: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What came of each of their tests that made a session of ours."""
    report = tmp_path_factory.mktemp("report") / "report.json"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {
        **clean,
        "DATABASE_URL": migrated_database,
        "SESSION_REPORT": str(report),
        "PYTHONPATH": os.pathsep.join([str(PLUGIN), str(Path(__file__).parents[2])]),
    }
    options = ["-p", "session_swap", "-p", "no:cacheprovider", "-p", "no:xdist", "-q"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *FILES],
        cwd=their_source,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert report.exists(), ran.stdout[-3_000:] + ran.stderr[-3_000:]
    outcomes: dict[str, str] = json.loads(report.read_text())
    return outcomes


def is_listed(test: str) -> bool:
    return test in LISTED or test.partition("[")[0] in LISTED


def test_their_tests_pass_but_for_those_that_are_listed(outcomes: dict[str, str]) -> None:
    failed = {test for test, outcome in outcomes.items() if outcome == "failed"}

    assert [test for test in failed if not is_listed(test)] == []


def test_what_is_listed_still_does_not_apply(outcomes: dict[str, str]) -> None:
    failed = {test for test, outcome in outcomes.items() if outcome == "failed"}

    assert [test for test, outcome in outcomes.items() if outcome == "passed" and is_listed(test)] == []
    assert LISTED - failed - {test.partition("[")[0] for test in failed} == set()


def test_as_many_pass_as_the_readme_says(outcomes: dict[str, str]) -> None:
    passed = [test for test, outcome in outcomes.items() if outcome == "passed"]

    assert f"theirs: {len(passed)} of {len(outcomes)} pass" in README.read_text()
