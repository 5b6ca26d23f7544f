"""A host application with its own tables, history, engine and tests, in which the library moved in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "examples" / "tasks_service"

pytestmark = pytest.mark.xdist_group("hosts")


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A copy of the service, in a folder where nothing else is."""
    return Path(shutil.copytree(SERVICE, tmp_path / "service", ignore=shutil.ignore_patterns("__pycache__")))


def python(service: Path, *arguments: str, **environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=service,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_its_history_and_ours_leave_each_other_alone(service: Path, empty_database: str) -> None:
    where = {"CHAT_PERSISTENCE_DATABASE_URL": empty_database}
    for command in (
        ("alembic", "upgrade", "head"),
        ("chat_persistence", "upgrade"),
        ("chat_persistence", "link-users", "--table", "users"),
    ):
        python(service, *command, **where)

    assert "No new upgrade operations detected" in python(service, "alembic", "check", **where)
    python(service, "alembic", "revision", "--autogenerate", "-m", "nothing", **where)
    (made,) = service.glob("migrations/versions/*_nothing.py")
    assert "drop_table" not in made.read_text()
    python(service, "alembic", "upgrade", "head", **where)
    assert "the tables are at" in python(service, "chat_persistence", "status", **where)


def test_its_own_tests_pass(service: Path, database_url: str) -> None:
    """Its API, its transactions, its wrapper against the contract."""
    printed = python(service, "pytest", "-q", "-p", "no:cacheprovider", TEST_DATABASE_URL=database_url)

    assert "46 passed" in printed
